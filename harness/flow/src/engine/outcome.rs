//! What a finished run gives: each step's output, and what that depends on.

use std::sync::Arc;

use assay_store::{Hash, RunId};

use crate::engine::error::{FlowError, StepFailure};
use crate::engine::event::SavedBy;
use crate::engine::key::Description;
use crate::engine::plan::Plan;

/// A run that made or found its target's output.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run. A store that cannot be written has no record of it.
    pub run: RunId,
    /// The run that it repeats: the last one before it, of the same files, where nothing had to run.
    pub repeats: Option<RunId>,
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

/// A run of several recipes that came to its end, whether or not it made everything.
#[derive(Debug)]
pub struct JoinedOutcome {
    /// The run. A store that cannot be written has no record of it.
    pub run: RunId,
    /// The run that it repeats: the last one before it, of the same files, where nothing had to run.
    pub repeats: Option<RunId>,
    /// For each recipe, in the order of the graph, its outcome, or the failures that kept it from one.
    pub recipes: Vec<Result<Outcome, FlowError>>,
    /// Steps that failed, in the order in which they did.
    pub failures: Vec<StepFailure>,
    /// For each step of the joined graph, how it came by its output; `None` for one that has none.
    pub steps: Vec<Option<How>>,
    /// How long the run took, in seconds.
    pub seconds: f64,
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
    pub description: Arc<Description>,
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
