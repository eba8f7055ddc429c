//! What a finished run gives: each step's output, and what that depends on.

use assay_store::{Hash, RunId};

use crate::engine::event::SavedBy;
use crate::engine::key::Description;
use crate::engine::plan::Plan;

/// A run that made or found its target's output.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run.
    pub run: RunId,
    /// The target's output.
    pub output: Hash,
    /// What was planned at the start.
    pub plan: Plan,
    /// How each step came by its output, in the order of [`Graph::steps`](crate::Graph::steps).
    pub steps: Vec<Provenance>,
}

impl Outcome {
    /// How many steps ran.
    pub fn ran(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.how, How::Ran { .. })).count()
    }
}

/// How a step came by its output, and what that depends on.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// The step's name, such as `reasoner`.
    pub name: String,
    /// Its key.
    pub key: Hash,
    /// Its output.
    pub output: Hash,
    /// Whether it ran this time.
    pub how: How,
    /// Kind, seed, parameters, inputs, facts.
    pub description: Description,
}

/// Whether a step ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// It ran, for this long.
    Ran {
        /// Seconds.
        seconds: f64,
    },
    /// Its output was in the store when the run was planned.
    Cached,
    /// It was planned as one that may have to run, and did not have to.
    Saved(SavedBy),
}
