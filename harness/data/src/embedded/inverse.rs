//! The inverse families: the question gives the end of a short calculation, and asks what it started from. To find that
//! takes a search; whoever knows the answer has nothing to search for.

use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive};

/// What `root` asks for. The more there are, the rarer a lucky guess.
pub(crate) const ROOTS: RangeInclusive<i64> = 2..=40;
/// What `root` adds. A narrow range would give x away by the size of the right-hand side.
pub(crate) const ROOT_TERMS: RangeInclusive<i64> = 1..=999;
/// The factors of `factors`: two digits each, so that no table of products has them.
pub(crate) const TWO_DIGITS: RangeInclusive<i64> = 11..=99;
/// The numbers whose sum and product `sums` gives.
pub(crate) const SUMMANDS: RangeInclusive<i64> = 11..=79;
/// Of `factors` and `sums`: how many wrong numbers there must be at least that a search could try.
pub(crate) const LEAST_WRONG: usize = 8;
/// How many wrong trials a search has before the right one, each as likely as it occurs here.
pub(crate) const WRONG_TRIALS: [usize; 4] = [0, 1, 1, 2];

/// The structure of an inverse question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Inverse {
    /// `x*x-x+c=n?`
    Root { x: i64, c: i64 },
    /// `n=a*b?`; the reference answer is `a`.
    Factors { a: i64, b: i64 },
    /// `a+b=s,a*b=p?`; the reference answer is `a`.
    Sums { a: i64, b: i64 },
}

impl Inverse {
    /// The question's text. Of two numbers it does not tell which is the reference answer.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Root { c, .. } => format!("x*x-x+{c}={}?", self.goal()),
            Self::Factors { .. } => format!("{}=a*b?", self.goal()),
            Self::Sums { a, b } => format!("a+b={},a*b={}?", a + b, self.goal()),
        }
    }

    /// The value that a trial has to reach.
    pub(crate) fn goal(self) -> i64 {
        self.trial(self.answer()).value()
    }

    /// The reference answer.
    pub(crate) fn answer(self) -> i64 {
        match self {
            Self::Root { x, .. } => x,
            Self::Factors { a, .. } | Self::Sums { a, .. } => a,
        }
    }

    /// The other right answer, where there are two.
    pub(crate) fn other(self) -> Option<i64> {
        match self {
            Self::Root { .. } => None,
            Self::Factors { b, .. } | Self::Sums { b, .. } => Some(b),
        }
    }

    /// Whether the numbers follow the rules.
    pub(crate) fn is_lawful(self) -> bool {
        match self {
            Self::Root { x, c } => ROOTS.contains(&x) && ROOT_TERMS.contains(&c),
            Self::Factors { a, b } => {
                TWO_DIGITS.contains(&a)
                    && TWO_DIGITS.contains(&b)
                    && a != b
                    && factorisations(a * b) == 1
                    && self.wrong().len() >= LEAST_WRONG
            }
            Self::Sums { a, b } => {
                SUMMANDS.contains(&a) && SUMMANDS.contains(&b) && a != b && self.wrong().len() >= LEAST_WRONG
            }
        }
    }

    /// What can be tried for this first number: with two numbers, the second follows from the question.
    pub(crate) fn trial(self, first: i64) -> Trial {
        let second = match self {
            Self::Root { c, .. } => return Trial::of_root(first, c),
            Self::Factors { a, b } => (a * b).checked_div(first).unwrap_or(0),
            Self::Sums { a, b } => a + b - first,
        };
        let sign = if matches!(self, Self::Factors { .. }) { '*' } else { '+' };
        Trial::of_product(first, sign, second)
    }

    /// All first numbers of wrong trials: they and what follows from them are in range.
    pub(crate) fn wrong(self) -> Vec<i64> {
        let (range, second): (_, Box<dyn Fn(i64) -> i64>) = match self {
            Self::Root { .. } => (ROOTS, Box::new(|first| first)),
            Self::Factors { a, b } => (TWO_DIGITS, Box::new(move |first| a * b / first)),
            Self::Sums { a, b } => (SUMMANDS, Box::new(move |first| a + b - first)),
        };
        let right = [Some(self.answer()), self.other()];
        range
            .clone()
            .filter(|&first| range.contains(&second(first)) && !right.contains(&Some(first)))
            .collect()
    }

    /// Short forms of the reference answer. What they say of the calculation ends in `=`, and then comes the answer.
    pub(crate) fn short_forms(self) -> Vec<String> {
        match self {
            Self::Root { x, .. } => vec![x.to_string(), format!("x={x}")],
            Self::Factors { a, b } => vec![format!("{}/{b}={a}", a * b), format!("{a}*{b},a={a}")],
            Self::Sums { a, b } => vec![format!("{}-{b}={a}", a + b), format!("{a}+{b},a={a}")],
        }
    }

    /// The form of the reference answer that restates the calculation.
    pub(crate) fn restated(self) -> String {
        match self {
            Self::Root { x, c } => format!("{x}*{x}-{x}={0},{0}+{c}={1},x={x}", x * x - x, self.goal()),
            Self::Factors { a, b } => format!("{},{}/{b}={a}", self.trial(a), a * b),
            Self::Sums { a, b } => format!("{a}+{b}={0},{a}*{b}={1},{0}-{b}={a}", a + b, a * b),
        }
    }
}

/// How many pairs of two-digit numbers have this product.
fn factorisations(product: i64) -> usize {
    TWO_DIGITS
        .filter(|first| product % first == 0)
        .filter(|first| first <= &(product / first) && TWO_DIGITS.contains(&(product / first)))
        .count()
}

/// A trial: `13:156+45=201`, `17*23:340+51=391` or `20+37:600+140=740`. Behind the colon are two parts and their sum: of a
/// root `x*x-x` and c, of a product that with the second number's tens and that with its ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trial {
    /// What is tried.
    pub(crate) candidate: String,
    /// The two parts.
    pub(crate) parts: [i64; 2],
    /// What is written as their sum, where that is not their sum.
    pub(crate) claimed: Option<i64>,
}

impl Trial {
    fn of_root(x: i64, c: i64) -> Self {
        Self { candidate: x.to_string(), parts: [x * x - x, c], claimed: None }
    }

    fn of_product(first: i64, sign: char, second: i64) -> Self {
        let (tens, ones) = (second / 10 * 10, second % 10);
        Self {
            candidate: format!("{first}{sign}{second}"),
            parts: [first * tens, first * ones],
            claimed: None,
        }
    }

    /// The sum of the parts.
    pub(crate) fn value(&self) -> i64 {
        self.claimed.unwrap_or(self.parts[0] + self.parts[1])
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.parts;
        write!(f, "{}:{first}+{second}={}", self.candidate, self.value())
    }
}

/// The first number of what a trial says it tries: `17` of `17*23`.
pub(crate) fn first_number(candidate: &str) -> Option<i64> {
    let end = candidate.find(|character: char| !character.is_ascii_digit()).unwrap_or(candidate.len());
    // A number of a trial has at most two digits.
    candidate.get(..end).filter(|digits| digits.len() <= 2)?.parse().ok()
}
