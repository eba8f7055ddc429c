//! A measured value as tables, claims and sections show it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::interval::Estimate;
use crate::scores::Measured;

/// A measured value with its uncertainty. Unit: that of whatever holds it; in the cells of a table percent, unless its
/// column has another one. Where nothing is known of the spread, both ends of the interval are the value, and there is no
/// standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// The value.
    pub value: f64,
    /// Lower end of its interval, at level [`LEVEL`](crate::interval::LEVEL) unless a report says otherwise.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Standard error of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// The part of the standard error that comes from the choice of questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question_error: Option<f64>,
    /// The part that comes from the seed of the training; absent where nothing was trained per seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_error: Option<f64>,
    /// The value of each seed alone. (JSON: an object with the seeds as keys.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_seed: BTreeMap<u64, f64>,
    /// Judged samples behind the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
}

impl Quantity {
    /// Whether there is an interval: a figure of a single training run has a value alone.
    pub fn has_interval(&self) -> bool {
        self.standard_error.is_some() || self.low < self.high
    }

    /// Half of the interval's width, what stands after "±".
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

impl Estimate {
    /// The same as a quantity, in another unit (100 turns fractions into percent), with the number of judged
    /// samples behind it.
    pub fn quantity(&self, factor: f64, n: Option<u64>) -> Quantity {
        let scaled = self.scaled(factor);
        let known = self.has_interval();
        Quantity {
            value: scaled.value,
            low: scaled.low,
            high: scaled.high,
            standard_error: known.then_some(scaled.standard_error),
            question_error: (self.questions > 0).then_some(scaled.question_error),
            seed_error: scaled.seed_error,
            per_seed: BTreeMap::new(),
            n,
        }
    }
}

impl Measured {
    /// The same as a quantity with the value of each seed: see [`Estimate::quantity`].
    pub fn quantity(&self, factor: f64, n: Option<u64>) -> Quantity {
        let per_seed = self.per_seed.iter().map(|(seed, value)| (*seed, value * factor)).collect();
        Quantity { per_seed, ..self.estimate.quantity(factor, n) }
    }
}
