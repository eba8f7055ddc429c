//! Parts of a variance, and the degrees of freedom of their sum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::interval::sample_variance;

/// With so many seeds, Satterthwaite's degrees of freedom are close enough.
pub const ENOUGH_SEEDS: usize = 5;
/// With fewer seeds than these, nothing is said about what other seeds would give.
pub const FEWEST_SEEDS: usize = 3;

/// How the variance that training seeds add to a difference is estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeedVariance {
    /// Pooled over the trained rows of the table ([`SeedTable`](crate::pooled::SeedTable)): more degrees of freedom, and so
    /// more power, but wrong where rows vary unequally.
    #[default]
    Pooled,
    /// From the difference's own values by seed ([`of_seeds`]): right however rows vary; it takes more seeds.
    Own,
}

/// One estimated part of a variance, independent of the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The estimate; not negative.
    pub variance: f64,
    /// Degrees of freedom behind it; positive.
    pub degrees_of_freedom: f64,
}

/// What a mean over questions and training seeds varies by.
///
/// Scores are crossed: every seed answers every question. With question, seed and remainder as random effects, the mean of
/// `n` questions and `S` seeds has the variance `A/n + B/S + E/(nS)` (Searle, Casella and McCulloch 1992, "Variance
/// Components", chapter 4). The spread of question means estimates `A/n + E/(nS)`, the spread of seed means
/// `B/S + E/(nS)`: their sum counts the remainder twice, so it is subtracted once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Crossed {
    /// From the spread of question means, one for each stratum.
    pub questions: Vec<Component>,
    /// From the spread of seed means; empty where nothing was trained per seed, or with one seed only.
    pub seeds: Vec<Component>,
    /// From what neither explains, one for each stratum; empty without `seeds`.
    pub remainder: Vec<Component>,
}

impl Crossed {
    /// The part of the variance that comes from the choice of questions.
    pub fn of_questions(&self) -> f64 {
        sum(&self.questions)
    }

    /// The part of the variance that comes from the seeds.
    pub fn of_seeds(&self) -> f64 {
        sum(&self.seeds)
    }

    /// Variance and degrees of freedom of the mean.
    ///
    /// The variance is never below that of the questions or that of the seeds alone, which rounding or chance in the
    /// remainder could make it. The degrees of freedom are Satterthwaite's, `V^2 / sum (v^2 / f)` over all parts
    /// (Satterthwaite 1946, "An Approximate Distribution of Estimates of Variance Components"). Where a part has very few,
    /// that approximation is too generous: with three seeds, a test of level 5 % errs in up to 8 %. So with fewer than
    /// [`ENOUGH_SEEDS`] seeds the parts count by their share of the variance instead of its square: `V / sum (v / f)`, which
    /// is smaller.
    ///
    /// Where all questions have one mean and all seeds too, only the remainder varies. The variance is then that of the
    /// remainder, on its degrees of freedom: the mean holds `E/(nS)` in any case.
    pub fn total(&self) -> Component {
        let (questions, seeds) = (sum(&self.questions), self.of_seeds());
        let variance = (questions + seeds - sum(&self.remainder)).max(questions).max(seeds);
        if variance <= 0.0 && sum(&self.remainder) > 0.0 {
            let alone = Self { questions: self.remainder.clone(), ..Self::default() };
            return alone.total();
        }
        let parts = || self.questions.iter().chain(&self.seeds).chain(&self.remainder);
        let few = self.seeds.iter().any(|seeds| seeds.degrees_of_freedom < (ENOUGH_SEEDS - 1) as f64);
        let power = if few { 1 } else { 2 };
        let denominator: f64 = parts().map(|part| part.variance.powi(power) / part.degrees_of_freedom).sum();
        let degrees_of_freedom = if parts().next().is_none() {
            // Of nothing: no interval is made of it, and any number will do.
            1.0
        } else if denominator > 0.0 {
            variance.powi(power) / denominator
        } else {
            parts().map(|part| part.degrees_of_freedom).sum()
        };
        Component { variance, degrees_of_freedom }
    }
}

fn sum(parts: &[Component]) -> f64 {
    parts.iter().map(|part| part.variance).sum()
}

/// What training contributes to the variance of a mean over seeds, from the value of each seed alone: their variance over
/// their number, on one degree of freedom less than there are seeds. `None` with fewer than two seeds.
///
/// Each value has its own estimate. An estimate that is pooled over the rows of a table has more degrees of freedom, but is
/// wrong where rows vary differently: `docs/claims.md` has the figures.
pub fn of_seeds(values: &[f64]) -> Option<Component> {
    let seeds = values.len() as f64;
    (values.len() > 1)
        .then(|| Component { variance: sample_variance(values) / seeds, degrees_of_freedom: seeds - 1.0 })
}
