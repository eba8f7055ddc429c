//! Options to choose from.

use minijinja::{Value, context};
use rand_mt::Mt;
use schemars::JsonSchema;
use serde::Deserialize;

use super::formulas::{Columns, Formulas};

/// The options of a question, and their order.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// An expression that is the list of their texts, such as `options`.
    pub list: String,
    /// An expression that is the place of the right one in the list, from 0. Without it, it is the first.
    #[serde(default)]
    pub right: Option<String>,
    /// Seed of the order in which they are shown: that of Python's `random.seed(SEED)` and one `random.shuffle` of the
    /// options of each row that is asked, in the order of the rows. Without it, they are shown in the order of the list.
    #[serde(default)]
    pub shuffle: Option<u32>,
}

/// The names of the expressions.
pub(super) const LIST: &str = "options.list";
pub(super) const RIGHT: &str = "options.right";

/// The labels of options: no benchmark has more.
const LABELS: std::ops::RangeInclusive<char> = 'A'..='Z';

impl Options {
    /// The random numbers of the orders, if there are any.
    pub(super) fn shuffler(&self) -> Option<Shuffler> {
        self.shuffle.map(Shuffler::new)
    }

    /// Puts the options of a row among its columns, as `choices`, and the label of the right one, as `right`.
    pub(super) fn lay_out(
        &self,
        formulas: &Formulas,
        columns: &mut Columns,
        order: Option<&mut Shuffler>,
    ) -> Result<(), String> {
        let (texts, right) = listed(formulas, columns)?;
        if texts.len() > LABELS.count() {
            return Err(format!("`options.list`: {} options, of 26 at most", texts.len()));
        }
        let mut places: Vec<usize> = (0..texts.len()).collect();
        if let Some(order) = order {
            order.shuffle(&mut places);
        }
        let labelled = || places.iter().zip(LABELS);
        let choices: Vec<Value> = labelled()
            .map(|(place, label)| context! { label => label.to_string(), text => texts[*place].clone() })
            .collect();
        let right = labelled().find(|(place, _)| **place == right).map(|(_, label)| label.to_string());
        columns.insert("choices".to_owned(), Value::from(choices));
        columns.insert("right".to_owned(), Value::from(right));
        Ok(())
    }
}

/// The texts of a row's options, in the order in which they stand in it, and which of them is right.
fn listed(formulas: &Formulas, columns: &Columns) -> Result<(Vec<String>, usize), String> {
    let texts = formulas.evaluate(LIST, columns)?.unwrap_or_default();
    let texts = texts.try_iter().map_err(|_| format!("`{LIST}`: is no list"))?;
    let texts: Vec<String> = texts.map(|text| text.to_string()).collect();
    let right = formulas.evaluate(RIGHT, columns)?.map_or(Ok(0), usize::try_from);
    let right = right.map_err(|_| format!("`{RIGHT}`: is no place in the list"))?;
    match right < texts.len() {
        true => Ok((texts, right)),
        false => Err(format!("`{RIGHT}`: is {right}, but there are {} options, from 0 on", texts.len())),
    }
}

/// The orders that Python's `random` gives: MT19937, seeded as CPython seeds it with an integer.
pub(super) struct Shuffler(Mt);

impl Shuffler {
    fn new(seed: u32) -> Self {
        Self(Mt::new_with_key([seed]))
    }

    /// `random.shuffle` (CPython's `Lib/random.py`).
    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last as u32 + 1) as usize);
        }
    }

    /// `Random._randbelow`: the highest bits of a number, drawn until they are below the end.
    fn below(&mut self, end: u32) -> u32 {
        let unused = end.leading_zeros();
        loop {
            let drawn = self.0.next_u32() >> unused;
            if drawn < end {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CPython 3.11 prints for
    /// `random.seed(41); for _ in range(12): l = list(range(4)); random.shuffle(l); print(l)`, and for ten options.
    #[test]
    fn orders_are_those_of_python() {
        let mut shuffler = Shuffler::new(41);
        let mut shuffled = |count: usize| {
            let mut list: Vec<usize> = (0..count).collect();
            shuffler.shuffle(&mut list);
            list
        };
        let orders: Vec<Vec<usize>> = (0..12).map(|_| shuffled(4)).collect();
        assert_eq!(orders, ORDERS);
        assert_eq!(shuffled(10), TEN);
        assert_eq!(shuffled(1), [0]);
        let mut shuffler = Shuffler::new(0);
        let mut list: Vec<usize> = (0..10).collect();
        shuffler.shuffle(&mut list);
        assert_eq!(list, ZERO);
    }

    const ORDERS: [[usize; 4]; 12] = [
        [2, 0, 1, 3],
        [0, 2, 3, 1],
        [3, 0, 1, 2],
        [3, 0, 2, 1],
        [1, 2, 0, 3],
        [3, 1, 0, 2],
        [1, 2, 3, 0],
        [2, 0, 1, 3],
        [3, 1, 2, 0],
        [1, 2, 0, 3],
        [1, 2, 3, 0],
        [2, 3, 0, 1],
    ];
    const TEN: [usize; 10] = [2, 9, 7, 8, 1, 6, 4, 0, 3, 5];
    const ZERO: [usize; 10] = [7, 8, 1, 5, 3, 4, 2, 0, 9, 6];
}
