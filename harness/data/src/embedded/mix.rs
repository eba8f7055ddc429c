//! How often each family occurs: among training questions, and among the worked solutions of pretraining.

use super::{Domain, Family, TaskError};
use crate::Draws;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often each family occurs in training, as relative weights. Multiple choice has to stay out.
///
/// One that is read is checked as [`validate`](Self::validate) does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<Family, f64>", into = "BTreeMap<Family, f64>")]
#[schemars(with = "BTreeMap<Family, f64>")]
pub struct TrainingMix(pub BTreeMap<Family, f64>);

/// How often each family occurs among the worked solutions of pretraining, as relative weights. Here multiple choice may
/// occur: its solution ends in the letter.
///
/// One that is read is checked as [`validate`](Self::validate) does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<Family, f64>", into = "BTreeMap<Family, f64>")]
#[schemars(with = "BTreeMap<Family, f64>")]
pub struct WorkedMix(pub BTreeMap<Family, f64>);

impl Default for TrainingMix {
    /// 60 % math, with chain5 twice as often as the other four, and 40 % code in equal parts.
    fn default() -> Self {
        use Family::{Chain2, Chain3, Chain5, CodeE, CodeH, CodeM, Linear, Mod};
        let math = [(Chain2, 3.0), (Chain3, 3.0), (Chain5, 6.0), (Linear, 3.0), (Mod, 3.0)];
        let code = [(CodeE, 4.0), (CodeM, 4.0), (CodeH, 4.0)];
        Self(math.into_iter().chain(code).collect())
    }
}

impl TrainingMix {
    /// Checks that the weights are finite, none negative, some positive, and that no family lacks a teacher.
    ///
    /// # Errors
    /// [`TaskError::NoTeacher`], [`TaskError::Weight`].
    pub fn validate(&self) -> Result<(), TaskError> {
        if let Some(&family) = self.0.keys().find(|family| family.domain() == Domain::Choice) {
            return Err(TaskError::NoTeacher { family });
        }
        check("training mix", &self.0)
    }

    /// Draws a family. The mix has to be valid.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Option<Family> {
        draw(&self.0, draws)
    }
}

impl Default for WorkedMix {
    /// That of training.
    fn default() -> Self {
        Self(TrainingMix::default().0)
    }
}

impl WorkedMix {
    /// Checks that the weights are finite, none negative, some positive.
    ///
    /// # Errors
    /// [`TaskError::Weight`].
    pub fn validate(&self) -> Result<(), TaskError> {
        check("mix of worked solutions", &self.0)
    }

    /// Draws a family. The mix has to be valid.
    pub(crate) fn draw(&self, draws: &mut Draws) -> Option<Family> {
        draw(&self.0, draws)
    }
}

impl TryFrom<BTreeMap<Family, f64>> for TrainingMix {
    type Error = TaskError;

    fn try_from(weights: BTreeMap<Family, f64>) -> Result<Self, TaskError> {
        let mix = Self(weights);
        mix.validate().map(|()| mix)
    }
}

impl From<TrainingMix> for BTreeMap<Family, f64> {
    fn from(mix: TrainingMix) -> Self {
        mix.0
    }
}

impl TryFrom<BTreeMap<Family, f64>> for WorkedMix {
    type Error = TaskError;

    fn try_from(weights: BTreeMap<Family, f64>) -> Result<Self, TaskError> {
        let mix = Self(weights);
        mix.validate().map(|()| mix)
    }
}

impl From<WorkedMix> for BTreeMap<Family, f64> {
    fn from(mix: WorkedMix) -> Self {
        mix.0
    }
}

fn check(what: &str, weights: &BTreeMap<Family, f64>) -> Result<(), TaskError> {
    let weights: Vec<_> = weights.iter().map(|(family, &weight)| (family.id(), weight)).collect();
    check_weights(what, &weights)
}

fn draw(weights: &BTreeMap<Family, f64>, draws: &mut Draws) -> Option<Family> {
    let values: Vec<_> = weights.values().copied().collect();
    weights.keys().copied().nth(draws.weighted(&values))
}

/// Checks relative weights: finite, none negative, some positive.
pub(crate) fn check_weights(what: &str, weights: &[(&str, f64)]) -> Result<(), TaskError> {
    if let Some((name, value)) = weights.iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) {
        let name = format!("{what}: {name}");
        return Err(TaskError::Weight { name, value: *value, rule: "a weight is finite and not negative" });
    }
    let value: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if !(value.is_finite() && value > 0.0) {
        let rule = "some weight has to be positive, and the sum finite";
        return Err(TaskError::Weight { name: format!("{what}: sum of the weights"), value, rule });
    }
    Ok(())
}
