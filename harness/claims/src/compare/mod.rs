//! A measured value against an earlier one of the same cell: is it still as good?
//!
//! Values made from the same samples differ by the computation alone, so they are compared without a test. All others are
//! compared by a two-sided t test of their difference ([`Difference`]), adjusted by Holm's method over all pairs that are
//! tested together. A call needs more than a test: [`Call`] has the rules.

mod difference;
mod paired;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::multiplicity::holm;
use crate::power::power;
use crate::quantity::Quantity;

pub use difference::Difference;
pub use paired::{Answers, ByQuestion, Spread, Term, spread};

/// Below this power a test counts as blind.
pub const LEAST_POWER: f64 = 0.5;

/// What is said of a value against its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// It is worse: the difference and its interval lie beyond the practical minimum, after adjustment for all tests. From
    /// the same samples, any difference beyond the minimum.
    Regressed,
    /// The baseline has it and there is no value now. Counts as a regression.
    Missing,
    /// It is worse by the test of this pair alone, but not after adjustment for all tests.
    Suspected,
    /// No difference was found, and one of the size that matters would have been missed more often than found.
    Insufficient,
    /// The two do not measure the same thing, or nothing is known of their spread.
    NotComparable,
    /// It is better, by the same rule as [`Call::Regressed`].
    Improved,
    /// No difference was found.
    Unchanged,
    /// Made from the same samples, with the same result.
    Identical,
}

impl Call {
    /// All calls, the worst first.
    pub const ALL: [Self; 8] = [
        Self::Regressed,
        Self::Missing,
        Self::Suspected,
        Self::Insufficient,
        Self::NotComparable,
        Self::Improved,
        Self::Unchanged,
        Self::Identical,
    ];

    /// The words in texts, e.g. `not comparable`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Missing => "missing",
            Self::Suspected => "suspected",
            Self::Insufficient => "insufficient",
            Self::NotComparable => "not comparable",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Identical => "identical",
        }
    }

    /// Whether a check fails because of it.
    pub fn is_regression(self) -> bool {
        matches!(self, Self::Regressed | Self::Missing)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is known of the samples behind the two values of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// The same, to the byte.
    Same,
    /// Other answers to the same questions.
    Other,
    /// Answers to other questions, which say nothing about a change.
    OtherQuestions,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better, as of an accuracy.
    Up,
    /// Less is better.
    Down,
    /// Closer to zero is better, as of a difference that is claimed to be none. Where the two values lie on both sides of
    /// zero, the baseline is mirrored, so that what is compared is how far from zero they are.
    NearZero,
}

impl Better {
    /// Whether `now` is worse than `baseline`.
    fn worse(self, baseline: f64, now: f64) -> bool {
        match self {
            Self::Up => now < baseline,
            Self::Down => now > baseline,
            Self::NearZero => now.abs() > baseline.abs(),
        }
    }
}

/// A value and its baseline. All numbers have one unit.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The earlier value; `None` where it was not measured.
    pub baseline: Option<&'a Quantity>,
    /// The value now; `None` where it is not measured.
    pub now: Option<&'a Quantity>,
    /// What both were made from.
    pub samples: Samples,
    /// The spread of the difference, where the scores of single questions are known on both sides ([`spread`]).
    pub paired: Option<Spread>,
    /// Which way is better.
    pub better: Better,
    /// The size of a change that matters, such as the margin that a paper prints. `None` where no size is known.
    pub margin: Option<f64>,
    /// The practical minimum: differences up to it are none. Not negative.
    pub min_effect: f64,
}

/// The rules of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Level of the two-sided tests, between 0 and 1.
    pub alpha: f64,
    /// Level of the intervals of the values, between 0 and 1.
    pub level: f64,
    /// Tests that belong to the family beside those of the pairs, and that none of these can pass. Where only suspicions are
    /// tested a second time, these are the tests that found none: what was chosen for its p value must still hold among all
    /// that it was chosen from.
    pub others: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { alpha: 0.05, level: crate::interval::LEVEL, others: 0 }
    }
}

/// What came of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What is said of the value.
    pub call: Call,
    /// The value now minus the baseline, mirrored where [`Better::NearZero`] says so; absent where one of the two is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// The test of the difference; absent where none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// The chance that this test, adjusted for all, finds a change for the worse of the size that matters; absent where no
    /// size is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
}

/// Compares all pairs, whose tests are adjusted together. The answers are in the order of the pairs.
pub fn compare(pairs: &[Pair<'_>], rules: &Rules) -> Vec<Comparison> {
    let mirrored: Vec<Option<Quantity>> = pairs.iter().map(mirrored).collect();
    let pairs: Vec<Pair<'_>> = pairs.iter().zip(&mirrored).map(|(pair, other)| beside(pair, other)).collect();
    let mut tests: Vec<Option<Difference>> = pairs.iter().map(|pair| test(pair, rules)).collect();
    let mut p_values: Vec<f64> = tests.iter().flatten().map(|test| test.p_value).collect();
    p_values.resize(p_values.len() + rules.others, 1.0);
    let share = rules.alpha / p_values.len().max(1) as f64;
    let tested = tests.iter_mut().zip(&pairs).filter_map(|(test, pair)| Some((test.as_mut()?, pair)));
    for ((test, pair), adjusted) in tested.zip(holm(&p_values)) {
        test.adjust(adjusted, share, pair.min_effect);
    }
    pairs.iter().zip(tests).map(|(pair, test)| comparison(pair, test, share, rules)).collect()
}

/// The mirror image of the baseline, for a difference that is claimed to be none and has changed its sign.
fn mirrored(pair: &Pair<'_>) -> Option<Quantity> {
    let (baseline, now) = (pair.baseline?, pair.now?);
    let crossed = pair.better == Better::NearZero && baseline.value * now.value < 0.0;
    crossed.then(|| Quantity {
        value: -baseline.value,
        low: -baseline.high,
        high: -baseline.low,
        per_seed: baseline.per_seed.iter().map(|(seed, value)| (*seed, -value)).collect(),
        ..baseline.clone()
    })
}

/// A pair with a mirrored baseline. The spread of the differences by question is not that of such a comparison.
fn beside<'q>(pair: &Pair<'q>, mirrored: &'q Option<Quantity>) -> Pair<'q> {
    match mirrored {
        Some(baseline) => Pair { baseline: Some(baseline), paired: None, ..*pair },
        None => *pair,
    }
}

/// The test of a pair for which one is made.
fn test(pair: &Pair<'_>, rules: &Rules) -> Option<Difference> {
    match pair.samples {
        Samples::Other => Difference::new(pair.baseline?, pair.now?, pair.paired, pair.min_effect, rules),
        Samples::Same | Samples::OtherQuestions => None,
    }
}

fn comparison(pair: &Pair<'_>, test: Option<Difference>, share: f64, rules: &Rules) -> Comparison {
    let without_test = |call, change| Comparison { call, change, difference: None, power: None };
    let (baseline, now) = match (pair.baseline, pair.now) {
        (Some(baseline), Some(now)) => (baseline, now),
        (Some(_), None) => return without_test(Call::Missing, None),
        (None, Some(_)) => return without_test(Call::NotComparable, None),
        (None, None) => return without_test(Call::Identical, None),
    };
    let change = Some(now.value - baseline.value);
    let worse = pair.better.worse(baseline.value, now.value);
    let Some(test) = test else {
        return without_test(untested(pair, baseline, now, worse), change);
    };
    // A drop of the minimum itself cannot be told from none, so the size that matters is twice that.
    let size = pair.margin.or((pair.min_effect > 0.0).then_some(2.0 * pair.min_effect));
    let power =
        size.map(|size| power(size - pair.min_effect, test.standard_error, test.degrees_of_freedom, share));
    let call = match test.adjusted_p_value <= rules.alpha {
        true if worse => Call::Regressed,
        true => Call::Improved,
        false if worse && test.p_value <= rules.alpha => Call::Suspected,
        false if power.is_some_and(|power| power < LEAST_POWER) => Call::Insufficient,
        false => Call::Unchanged,
    };
    Comparison { call, change, difference: Some(test), power }
}

/// The call where no test is made.
fn untested(pair: &Pair<'_>, baseline: &Quantity, now: &Quantity, worse: bool) -> Call {
    let apart = (now.value - baseline.value).abs() > pair.min_effect;
    match pair.samples {
        Samples::OtherQuestions => Call::NotComparable,
        // Without a standard error on either side, only equal values say something.
        Samples::Other if now.value == baseline.value => Call::Unchanged,
        Samples::Other => Call::NotComparable,
        Samples::Same if baseline == now => Call::Identical,
        Samples::Same if apart && worse => Call::Regressed,
        Samples::Same if apart => Call::Improved,
        Samples::Same => Call::Unchanged,
    }
}

/// The change for the worse that half of the tests find with a power of 80 %: the median over the tests of what each can
/// find after adjustment. `None` where no test was made.
pub fn detectable(comparisons: &[Comparison]) -> Option<f64> {
    let tests = comparisons.iter().filter_map(|comparison| comparison.difference.as_ref());
    let mut sizes: Vec<f64> = tests.map(|test| test.detectable).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied()
}
