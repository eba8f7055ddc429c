//! How far an estimate may lie from the truth, also where scores are close to 0 or 1.
//!
//! Where scores vary, a mean varies like Student's t. Where nearly all questions have the score 0, or nearly all 1, their
//! spread says little, and a t interval holds the truth too rarely: 88 times in 100 for 5 right of 100, never for none.
//! There the limits of each mean are Wilson's, for as many trials as there are questions: of all scores in `[0, 1]` with a
//! given mean, verdicts vary the most, so these limits are not too narrow for means over samples.
//!
//! Limits of sums and differences come from the limits of their parts: squares of the distances from estimate to limit add
//! (Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach"). For two
//! benchmarks that is what Newcombe 1998 does for two independent proportions, and for two rows on the same questions his
//! method for paired ones, in which the distances are correlated like the scores ("Improved confidence intervals for the
//! difference between binomial proportions based on paired data", method 10 without the correction for continuity). For
//! means that vary like t, the sum of squares is the usual variance, so that nothing changes where no mean is close to an end.

use serde::{Deserialize, Serialize};

use crate::interval::{average, sample_variance};
use crate::proportion::{normal_quantile, wilson_of_share};
use crate::student::{t_quantile, t_upper_tail};
use crate::variance::Component;

/// So many questions that are not at the end (0 or 1) are enough for a t interval; and half of all are.
pub const ENOUGH: usize = 10;
/// Below this tail probability limits are not told apart.
const LEAST_TAIL: f64 = 1e-12;
/// So many degrees of freedom count as infinitely many.
const MANY: f64 = 1e6;

/// A side of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Towards smaller values.
    Below,
    /// Towards larger values.
    Above,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Below => Self::Above,
            Self::Above => Self::Below,
        }
    }
}

/// What an estimate varies by. Limits follow from it at any level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The part that varies like Student's t.
    pub core: Component,
    /// The benchmarks with a mean close to 0 or 1, independent of each other and of the first part.
    pub edges: Vec<Edge>,
}

/// The means of one benchmark that an estimate is made from, at least one of them close to 0 or 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// One for each row, and for each column where several are of the same questions.
    pub cells: Vec<Cell>,
    /// Correlations of the cells' scores over the questions, in the order of the cells.
    pub correlations: Vec<Vec<f64>>,
}

/// The mean of one row on one benchmark, as a part of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// By how much the estimate changes with the mean.
    pub weight: f64,
    /// What the mean varies by.
    pub limits: Limits,
}

/// What a mean varies by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Limits {
    /// Like a proportion: its limits are Wilson's.
    Wilson {
        /// The mean, in `[0, 1]`.
        share: f64,
        /// Number of questions.
        questions: f64,
    },
    /// Like Student's t.
    Student(Component),
}

impl Cell {
    /// A mean of scores in `[0, 1]`, of which there is at least one.
    pub fn new(weight: f64, scores: &[f64]) -> Self {
        Self::near_the_end(weight, scores).unwrap_or_else(|| Self::of_amounts(weight, scores))
    }

    /// A mean of values without ends, such as tokens.
    pub fn of_amounts(weight: f64, values: &[f64]) -> Self {
        let n = values.len() as f64;
        let variance = sample_variance(values) / n;
        Self { weight, limits: Limits::Student(Component { variance, degrees_of_freedom: n - 1.0 }) }
    }

    /// The same, if the mean is so close to 0 or 1 that its limits are Wilson's: fewer than [`ENOUGH`] questions, and fewer
    /// than half of them, have another score than 0 (or than 1). So are those of a single question, whose scores have no
    /// spread to estimate.
    pub fn near_the_end(weight: f64, scores: &[f64]) -> Option<Self> {
        let other_than = |end: f64| scores.iter().filter(|score| **score != end).count();
        let apart = other_than(0.0).min(other_than(1.0));
        let limits =
            Limits::Wilson { share: average(scores).clamp(0.0, 1.0), questions: scores.len() as f64 };
        (apart < ENOUGH && (2 * apart < scores.len() || scores.len() == 1)).then_some(Self { weight, limits })
    }

    /// How far the limit lies from the estimate.
    fn distance(&self, side: Side, tail: f64) -> f64 {
        let side = if self.weight < 0.0 { side.other() } else { side };
        let distance = match self.limits {
            Limits::Student(part) => t_quantile(1.0 - tail, part.degrees_of_freedom) * part.variance.sqrt(),
            Limits::Wilson { share, questions } => {
                let (low, high) = wilson_of_share(share, questions, normal_quantile(tail));
                match side {
                    Side::Below => share - low,
                    Side::Above => high - share,
                }
            }
        };
        distance.max(0.0) * self.weight.abs()
    }
}

impl Edge {
    /// Joins the means of rows over the same questions: weights, and the scores of each row in one order of questions.
    pub fn new(rows: &[(f64, Vec<f64>)]) -> Self {
        let cell = |(weight, scores): &(f64, Vec<f64>)| (Cell::new(*weight, scores), scores.clone());
        Self::of_cells(&rows.iter().map(cell).collect::<Vec<_>>())
    }

    /// Joins means over the same questions, each with its values.
    pub fn of_cells(rows: &[(Cell, Vec<f64>)]) -> Self {
        let correlation = |i: usize, j: usize| if i == j { 1.0 } else { correlation(&rows[i].1, &rows[j].1) };
        Self {
            cells: rows.iter().map(|(cell, _)| *cell).collect(),
            correlations: (0..rows.len())
                .map(|i| (0..rows.len()).map(|j| correlation(i, j)).collect())
                .collect(),
        }
    }

    fn squared_distance(&self, side: Side, tail: f64) -> f64 {
        let signed: Vec<f64> =
            self.cells.iter().map(|cell| cell.distance(side, tail) * cell.weight.signum()).collect();
        let rows = signed.iter().zip(&self.correlations);
        rows.map(|(one, row)| row.iter().zip(&signed).map(|(r, other)| r * one * other).sum::<f64>()).sum()
    }
}

/// Pearson's correlation; 0 where one list is constant.
fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let spread = (sample_variance(left) * sample_variance(right)).sqrt();
    if spread <= 0.0 {
        return 0.0;
    }
    let (of_left, of_right) = (average(left), average(right));
    let products: f64 = left.iter().zip(right).map(|(l, r)| (l - of_left) * (r - of_right)).sum();
    (products / (left.len() as f64 - 1.0) / spread).clamp(-1.0, 1.0)
}

impl Spread {
    /// A mean alone.
    pub fn of_cell(cell: Cell) -> Self {
        let edge = Edge { cells: vec![cell], correlations: vec![vec![1.0]] };
        Self { core: Component { variance: 0.0, degrees_of_freedom: MANY }, edges: vec![edge] }
    }

    /// Whether it has no width at any level: the scores do not vary, and none is close to an end.
    pub fn is_nothing(&self) -> bool {
        self.core.variance <= 0.0 && self.edges.is_empty()
    }

    /// How far from the estimate the one-sided limit lies that errs with a chance of `tail`, between 0 and 0.5.
    pub fn distance(&self, side: Side, tail: f64) -> f64 {
        let Component { variance, degrees_of_freedom } = self.core;
        let core = match variance > 0.0 {
            true => t_quantile(1.0 - tail, degrees_of_freedom).powi(2) * variance,
            false => 0.0,
        };
        let edges: f64 = self.edges.iter().map(|edge| edge.squared_distance(side, tail)).sum();
        (core + edges).max(0.0).sqrt()
    }

    /// The p value of "the truth is at or beyond a point that lies `distance` from the estimate on this side": the chance
    /// with which the limit that ends there errs. For a negative distance the point lies on the other side, and the p value
    /// is above one half.
    pub fn tail(&self, side: Side, distance: f64) -> f64 {
        if self.edges.is_empty() {
            return t_upper_tail(distance / self.core.variance.sqrt(), self.core.degrees_of_freedom);
        }
        if distance < 0.0 {
            return 1.0 - self.tail(side.other(), -distance);
        }
        if distance == 0.0 {
            return 0.5;
        }
        // The distance falls as the tail grows; halve the range of the tail's logarithm.
        let (mut low, mut high) = (LEAST_TAIL.ln(), 0.5_f64.ln());
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if self.distance(side, middle.exp()) > distance { low = middle } else { high = middle }
        }
        high.exp()
    }

    /// A standard error and degrees of freedom with about the same limits, for statements about power. Where a mean is close
    /// to an end: half of the width of the 95 % interval, over the quantile.
    pub fn as_student(&self) -> Component {
        if self.edges.is_empty() {
            return self.core;
        }
        let degrees_of_freedom = if self.core.variance > 0.0 { self.core.degrees_of_freedom } else { MANY };
        let width: f64 = [Side::Below, Side::Above].map(|side| self.distance(side, 0.025)).iter().sum();
        let error = 0.5 * width / t_quantile(0.975, degrees_of_freedom);
        Component { variance: error * error, degrees_of_freedom }
    }
}
