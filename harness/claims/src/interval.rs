//! Standard errors and 95 % intervals over questions and training seeds.
//!
//! The unit of sampling is the question: several answers to one question are one observation, their mean (E.
//! Miller 2024, "Adding Error Bars to Evals", arXiv 2411.00640, sections 2 and 3). Each benchmark is a
//! stratum with its own questions. Two models are compared question by question, never by their separate
//! intervals. Where models were trained, the seed of the training is the second thing that was sampled; see
//! [`variance`](crate::variance).

use serde::{Deserialize, Serialize};

use crate::spread::{Cell, Side, Spread};
use crate::student::t_quantile;
use crate::variance::{Component, Crossed};

/// Two-sided confidence level of every interval.
pub const LEVEL: f64 = 0.95;
/// Power at which the minimum detectable effect is stated.
pub const POWER: f64 = 0.80;
/// Spread below this fraction of the largest value is rounding noise of a constant.
pub(crate) const NOISE: f64 = 1e-12;

/// Why an interval is undefined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IntervalError {
    /// Nothing to average.
    #[error("an average needs at least one benchmark")]
    NoStratum,
    /// A spread needs two observations.
    #[error("a standard error needs at least 2 questions per benchmark, found {questions}")]
    TooFewQuestions {
        /// How many there are.
        questions: usize,
    },
    /// Paired lists of different length.
    #[error("a paired difference needs the same questions on both sides, found {left} and {right}")]
    Unpaired {
        /// Length of the left list.
        left: usize,
        /// Length of the right list.
        right: usize,
    },
    /// A NaN or an infinity, for example a ratio to zero.
    #[error("the value is not a finite number; is something divided by zero?")]
    NotFinite,
}

/// A number with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Its standard error; zero when the scores do not vary, which says nothing about their spread.
    pub standard_error: f64,
    /// The part of the standard error that comes from the choice of questions.
    pub question_error: f64,
    /// The part that comes from the seed of the training: `standard_error^2 = question_error^2 + seed_error^2`. `None`
    /// where nothing was trained per seed, or with one seed, of which nothing can be said.
    pub seed_error: Option<f64>,
    /// Lower end of the 95 % interval. It need not be as far from the value as the upper end.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Satterthwaite's degrees of freedom of the t quantile.
    pub degrees_of_freedom: f64,
    /// How many questions it rests on.
    pub questions: usize,
    /// How many training seeds it rests on; 0 where nothing was trained per seed.
    pub seeds: usize,
}

impl Estimate {
    /// An estimate from a value and what it varies by.
    ///
    /// # Errors
    /// [`IntervalError::NotFinite`].
    pub fn new(
        value: f64,
        variation: &Crossed,
        questions: usize,
        seeds: usize,
    ) -> Result<Self, IntervalError> {
        let Component { variance, degrees_of_freedom } = variation.total();
        if !value.is_finite() || !variance.is_finite() {
            return Err(IntervalError::NotFinite);
        }
        let of_questions = variation.of_questions();
        let standard_error = variance.sqrt();
        let half_width = critical_value(degrees_of_freedom) * standard_error;
        Ok(Self {
            value,
            standard_error,
            question_error: of_questions.sqrt(),
            seed_error: (!variation.seeds.is_empty()).then(|| (variance - of_questions).max(0.0).sqrt()),
            low: value - half_width,
            high: value + half_width,
            degrees_of_freedom,
            questions,
            seeds,
        })
    }

    /// Whether anything is known of its spread: a figure of a single training run has a value and no interval.
    pub fn has_interval(&self) -> bool {
        self.questions > 0 || self.seed_error.is_some()
    }

    /// The same with the limits of a spread.
    #[must_use]
    pub fn within(self, spread: &Spread) -> Self {
        let tail = 0.5 * (1.0 - LEVEL);
        let [low, high] = [Side::Below, Side::Above].map(|side| spread.distance(side, tail));
        Self { low: self.value - low, high: self.value + high, ..self }
    }

    /// The same with an interval that ends at the least and the largest possible value.
    #[must_use]
    pub fn clamped(self, least: f64, most: f64) -> Self {
        Self { low: self.low.max(least), high: self.high.min(most), ..self }
    }

    /// The same estimate in another unit, for example percentage points with a factor of 100.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let (a, b) = (self.low * factor, self.high * factor);
        Self {
            value: self.value * factor,
            standard_error: self.standard_error * factor.abs(),
            question_error: self.question_error * factor.abs(),
            seed_error: self.seed_error.map(|error| error * factor.abs()),
            low: a.min(b),
            high: a.max(b),
            ..self
        }
    }
}

fn critical_value(degrees_of_freedom: f64) -> f64 {
    t_quantile(0.5 + LEVEL / 2.0, degrees_of_freedom)
}

/// The questions of one benchmark, each with its score, and the weight of their mean in the whole.
#[derive(Debug, Clone, Copy)]
pub struct Stratum<'a> {
    /// Weight of the stratum's mean; `1/B` in a mean of B benchmarks, negative for a subtracted one.
    pub weight: f64,
    /// One score per question.
    pub scores: &'a [f64],
}

/// The mean over questions of one benchmark, with interval `mean +- t(n-1) s / sqrt(n)`.
///
/// # Errors
/// [`IntervalError`] with fewer than two questions or a value that is not finite.
pub fn mean(scores: &[f64]) -> Result<Estimate, IntervalError> {
    weighted_sum(&[Stratum { weight: 1.0, scores }])
}

/// The mean score of one benchmark, in `[0, 1]`, as a cell of a table has it: the interval of [`mean`] where the scores vary
/// enough, else Wilson's (see [`spread`](crate::spread)); in either case it ends at 0 and 1.
///
/// # Errors
/// As [`mean`].
pub fn mean_score(scores: &[f64]) -> Result<Estimate, IntervalError> {
    let estimate = mean(scores)?;
    let near = Cell::near_the_end(1.0, scores).map(Spread::of_cell);
    Ok(near.map_or(estimate, |spread| estimate.within(&spread)).clamped(0.0, 1.0))
}

/// The mean of `left - right` over the questions that both answered, in the same order.
///
/// # Errors
/// [`IntervalError`] if the lists differ in length, hold fewer than two questions or a value that is not
/// finite.
pub fn paired_difference(left: &[f64], right: &[f64]) -> Result<Estimate, IntervalError> {
    if left.len() != right.len() {
        return Err(IntervalError::Unpaired { left: left.len(), right: right.len() });
    }
    mean(&left.iter().zip(right).map(|(l, r)| l - r).collect::<Vec<_>>())
}

/// The mean of the benchmarks' means, each benchmark a stratum: variance `sum_b s_b^2 / (B^2 n_b)`.
///
/// # Errors
/// [`IntervalError`] without benchmarks, with fewer than two questions in one, or a value that is not finite.
pub fn mean_of_means(benchmarks: &[&[f64]]) -> Result<Estimate, IntervalError> {
    let weight = 1.0 / benchmarks.len() as f64;
    weighted_sum(&benchmarks.iter().map(|&scores| Stratum { weight, scores }).collect::<Vec<_>>())
}

/// A weighted sum of the strata's means.
///
/// # Errors
/// As [`mean_of_means`].
pub fn weighted_sum(strata: &[Stratum<'_>]) -> Result<Estimate, IntervalError> {
    let value = strata.iter().map(|s| s.weight * average(s.scores)).sum();
    around(value, strata)
}

/// An interval around `value`, a smooth function of means, from its linearisation (the delta method):
/// `strata` hold what each question adds to first order, so for a linear function `value` is their weighted
/// sum.
///
/// The variance is `sum_b w_b^2 s_b^2 / n_b`, the degrees of freedom are those of Welch and Satterthwaite,
/// `(sum v_b)^2 / sum (v_b^2 / (n_b - 1))` with `v_b` a stratum's share of the variance.
///
/// # Errors
/// As [`mean_of_means`].
pub fn around(value: f64, strata: &[Stratum<'_>]) -> Result<Estimate, IntervalError> {
    let questions = strata.iter().map(|stratum| stratum.scores.len()).sum();
    let variation = Crossed { questions: of_questions(strata)?, ..Crossed::default() };
    Estimate::new(value, &variation, questions, 0)
}

/// What the choice of questions contributes to the variance, one part for each stratum.
///
/// # Errors
/// [`IntervalError`] without strata, or with fewer than two questions in one.
pub fn of_questions(strata: &[Stratum<'_>]) -> Result<Vec<Component>, IntervalError> {
    if strata.is_empty() {
        return Err(IntervalError::NoStratum);
    }
    let component = |stratum: &Stratum<'_>| {
        let n = stratum.scores.len();
        if n < 2 {
            return Err(IntervalError::TooFewQuestions { questions: n });
        }
        Ok(Component {
            variance: stratum.weight.powi(2) * sample_variance(stratum.scores) / n as f64,
            degrees_of_freedom: (n - 1) as f64,
        })
    };
    strata.iter().map(component).collect()
}

/// Standard error of the mean over all samples when samples come in clusters of any size (Miller 2024,
/// section 2.2): the squared sum over clusters of summed deviations, with the finite-cluster factor
/// `G / (G - 1)`.
///
/// With clusters of equal size it equals the standard error of the mean of the cluster means, which is what
/// the other functions of this module use.
///
/// # Errors
/// [`IntervalError::TooFewQuestions`] with fewer than two clusters that hold a sample,
/// [`IntervalError::NotFinite`] on a value that is not finite.
pub fn clustered_standard_error(clusters: &[Vec<f64>]) -> Result<f64, IntervalError> {
    let used = clusters.iter().filter(|cluster| !cluster.is_empty()).count();
    if used < 2 {
        return Err(IntervalError::TooFewQuestions { questions: used });
    }
    let samples = clusters.iter().map(Vec::len).sum::<usize>() as f64;
    let mean = clusters.iter().flatten().sum::<f64>() / samples;
    let squares: f64 = clusters.iter().map(|c| c.iter().map(|s| s - mean).sum::<f64>().powi(2)).sum();
    let groups = used as f64;
    let error = (squares * groups / (groups - 1.0)).sqrt() / samples;
    if error.is_finite() { Ok(error) } else { Err(IntervalError::NotFinite) }
}

/// The arithmetic mean; NaN for an empty list.
pub fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Unbiased variance around the mean; exactly zero for values that differ by rounding noise only.
pub fn sample_variance(values: &[f64]) -> f64 {
    let mean = average(values);
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0);
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if variance.sqrt() <= NOISE * largest { 0.0 } else { variance }
}
