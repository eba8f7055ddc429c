//! Measured scores: rows by seeds by benchmarks by questions, and estimates from them.

mod error;
mod evaluate;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::interval::LEVEL;
use crate::proportion::wilson;

pub use error::{ColumnProblem, ScoresError};
pub use evaluate::{Bound, Measured, Smooth, View};

/// One cell of a table: a row and a column, which is a benchmark or a group of benchmarks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellId {
    /// Row id.
    pub row: String,
    /// Benchmark or group id.
    pub column: String,
}

/// What is known of a question's mean over samples: in `[0, 1]`, with the range that samples without a verdict leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The mean over the samples that were judged.
    pub value: f64,
    /// The mean if all samples without a verdict were wrong.
    pub low: f64,
    /// The mean if they were all right.
    pub high: f64,
}

impl From<f64> for Score {
    /// The score of a question of which every sample was judged.
    fn from(value: f64) -> Self {
        Self { value, low: value, high: value }
    }
}

impl Score {
    /// The score of a question with `right` and `wrong` samples, and `failed` ones without a verdict. `None` if nothing
    /// was judged.
    pub fn of(right: u64, wrong: u64, failed: u64) -> Option<Self> {
        let (judged, all) = ((right + wrong) as f64, (right + wrong + failed) as f64);
        (judged > 0.0).then(|| Self {
            value: right as f64 / judged,
            low: right as f64 / all,
            high: (right + failed) as f64 / all,
        })
    }
}

type PerBenchmark = BTreeMap<String, Vec<Score>>;

/// Scores of one table. A score is a question's mean over samples, in `[0, 1]`; all rows answer the same
/// questions, kept in one order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    questions: BTreeMap<String, Vec<String>>,
    unmeasured: BTreeSet<String>,
    groups: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<String, BTreeMap<Option<u64>, PerBenchmark>>,
}

impl Scores {
    /// Lays out the columns: benchmarks with their question ids, and groups with the benchmarks that they
    /// average.
    ///
    /// # Errors
    /// [`ScoresError::Column`] if an id is used twice, something is empty, or a group's members are not
    /// distinct benchmarks.
    pub fn new(
        benchmarks: impl IntoIterator<Item = (String, Vec<String>)>,
        groups: impl IntoIterator<Item = (String, Vec<String>)>,
    ) -> Result<Self, ScoresError> {
        let mut scores = Self::default();
        for (id, questions) in benchmarks {
            let distinct = questions.iter().collect::<BTreeSet<_>>().len();
            let problem = match () {
                () if scores.questions.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if questions.is_empty() => Some(ColumnProblem::Empty),
                () if distinct < questions.len() => Some(ColumnProblem::RepeatedQuestion),
                () => None,
            };
            if let Some(problem) = problem {
                return Err(ScoresError::Column { column: id, problem });
            }
            scores.questions.insert(id, questions);
        }
        for (id, members) in groups {
            let distinct =
                members.iter().filter(|m| scores.questions.contains_key(*m)).collect::<BTreeSet<_>>();
            let problem = match () {
                () if scores.questions.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if scores.groups.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if members.is_empty() => Some(ColumnProblem::Empty),
                () if distinct.len() < members.len() => Some(ColumnProblem::Members),
                () => None,
            };
            if let Some(problem) = problem {
                return Err(ScoresError::Column { column: id, problem });
            }
            scores.groups.insert(id, members);
        }
        Ok(scores)
    }

    /// Adds columns that nothing is measured on, so that a claim about them is not attempted rather than a
    /// mistake.
    #[must_use]
    pub fn with_unmeasured(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.unmeasured.extend(columns);
        self
    }

    /// Adds the scores of one row on one benchmark, by question id. `seed` is the training seed, `None` for a
    /// model that was not trained per seed.
    ///
    /// # Errors
    /// [`ScoresError`] if a question is missing, unknown or out of range, the entry exists, or the row has
    /// been given both with and without seeds.
    pub fn insert(
        &mut self,
        row: &str,
        seed: Option<u64>,
        benchmark: &str,
        by_question: &BTreeMap<String, impl Into<Score> + Copy>,
    ) -> Result<(), ScoresError> {
        let Some(questions) = self.questions.get(benchmark) else {
            return Err(ScoresError::UnknownColumn { column: benchmark.to_owned() });
        };
        let at = || (row.to_owned(), benchmark.to_owned());
        let known: BTreeSet<_> = questions.iter().collect();
        if let Some(question) = by_question.keys().find(|question| !known.contains(question)) {
            let (row, benchmark) = at();
            return Err(ScoresError::UnknownQuestion { row, seed, benchmark, question: question.clone() });
        }
        let mut values = Vec::with_capacity(questions.len());
        for question in questions {
            let (row, benchmark) = at();
            let question = question.clone();
            match by_question.get(&question).map(|&score| score.into()) {
                Some(score @ Score { value, .. }) if (0.0..=1.0).contains(&value) => values.push(score),
                Some(Score { value, .. }) => {
                    return Err(ScoresError::OutOfRange { row, benchmark, question, value });
                }
                None => return Err(ScoresError::MissingQuestion { row, seed, benchmark, question }),
            }
        }
        let (row, benchmark) = at();
        let seeds = self.rows.entry(row.clone()).or_default();
        if seeds.keys().any(|other| other.is_some() != seed.is_some()) {
            return Err(ScoresError::MixedSeeds { row });
        }
        let entry = seeds.entry(seed).or_default();
        if entry.contains_key(&benchmark) {
            return Err(ScoresError::Duplicate { row, seed, benchmark });
        }
        entry.insert(benchmark, values);
        Ok(())
    }

    /// The benchmarks that a column averages: itself, or a group's members.
    ///
    /// # Errors
    /// [`ScoresError::UnknownColumn`].
    pub fn benchmarks_of<'a>(&'a self, column: &'a str) -> Result<Vec<&'a str>, ScoresError> {
        if let Some((id, _)) = self.questions.get_key_value(column) {
            return Ok(vec![id]);
        }
        match self.groups.get(column) {
            Some(members) => Ok(members.iter().map(String::as_str).collect()),
            None => Err(ScoresError::UnknownColumn { column: column.to_owned() }),
        }
    }

    /// Whether no seed of the row has scores on some benchmark of the column: nobody has tried to measure it.
    ///
    /// # Errors
    /// [`ScoresError::UnknownColumn`].
    pub fn is_missing(&self, cell: &CellId) -> Result<bool, ScoresError> {
        if self.unmeasured.contains(&cell.column) {
            return Ok(true);
        }
        let benchmarks = self.benchmarks_of(&cell.column)?;
        let measured = |benchmark: &str| {
            self.rows.get(&cell.row).is_some_and(|seeds| seeds.values().any(|b| b.contains_key(benchmark)))
        };
        Ok(!benchmarks.iter().all(|benchmark| measured(benchmark)))
    }

    /// Whether there are samples without a verdict.
    pub fn has_failures(&self) -> bool {
        let scores = || self.rows.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values).flatten();
        scores().any(|score| score.low < score.high)
    }

    /// One cell's mean, in `[0, 1]`. Where every sample is right or none is, scores do not vary, and the interval is
    /// Wilson's for as many trials as there are questions.
    ///
    /// # Errors
    /// [`ScoresError`] if the cell was not measured or an interval is undefined.
    pub fn cell(&self, row: &str, column: &str) -> Result<Measured, ScoresError> {
        let cell = CellId { row: row.to_owned(), column: column.to_owned() };
        let mut measured = self.evaluate(&[cell], |v| Smooth { value: v[0], gradient: vec![1.0] })?;
        let estimate = &mut measured.estimate;
        if estimate.standard_error == 0.0 && (estimate.value == 0.0 || estimate.value == 1.0) {
            let n = estimate.questions as f64;
            (estimate.low, estimate.high) = wilson(estimate.value * n, n, LEVEL);
        }
        Ok(measured)
    }

    /// `left - right` in one column, question by question, in `[-1, 1]`.
    ///
    /// # Errors
    /// [`ScoresError`] if a cell was not measured, the rows' seeds differ, or an interval is undefined.
    pub fn difference(&self, left: &str, right: &str, column: &str) -> Result<Measured, ScoresError> {
        let cells = [left, right].map(|row| CellId { row: row.to_owned(), column: column.to_owned() });
        self.evaluate(&cells, |v| Smooth { value: v[0] - v[1], gradient: vec![1.0, -1.0] })
    }
}
