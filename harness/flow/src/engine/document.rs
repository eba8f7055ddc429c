//! A plan, or steps of it, as a JSON document for readers outside of this program.

use assay_store::Hash;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::engine::key::Description;
use crate::engine::plan::{PlanEntry, State};
use crate::engine::reason::Reason;
use crate::language::graph::Graph;

/// The version of [`PlanDocument`].
pub const PLAN_FORMAT: u32 = 1;

/// A plan, or steps of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// The version of this form.
    #[schemars(extend("const" = PLAN_FORMAT))]
    pub format: u32,
    /// The recipe's name.
    pub recipe: String,
    /// The scale's name.
    pub scale: String,
    /// The `--set` arguments.
    pub sets: Vec<String>,
    /// Each step after those that it takes as inputs.
    pub steps: Vec<PlannedStep>,
    /// What a run would take; only of a whole plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<PlannedWork>,
}

/// What the steps that are not cached would take, as far as that is known before they run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedWork {
    /// What would be downloaded.
    pub downloads: PlannedDownloads,
    /// What models would write; left out where the scale does not say what is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generates: Option<PlannedReplies>,
    /// What models would learn; left out where nothing is trained, and where the scale does not say what is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trains: Option<PlannedTraining>,
    /// Rows of the table that are not measured.
    pub not_measured: Vec<PlannedAbsence>,
}

/// Files that would be downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedDownloads {
    /// How many.
    pub files: u64,
    /// The bytes of those whose sizes are known.
    pub bytes: u64,
    /// How many of them no lock pins yet: a run is refused until one does.
    pub unchecked: u64,
}

/// Replies that models would write, each of which is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedReplies {
    /// Models, each counted once for every training seed and way of sampling.
    pub models: u64,
    /// The replies of all of them.
    pub replies: u64,
    /// Thoughts about training questions; left out where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<u64>,
    /// Answers after those thoughts, each of which is judged; left out where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// The tokens of all of these, by guesses of the scale.
    pub tokens: u64,
    /// Tokens a second of one GPU, by a guess of the scale, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Hours of one GPU at that rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_hours: Option<f64>,
}

/// Rows that models would learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedTraining {
    /// Training runs.
    pub runs: u64,
    /// The rows of all of them, as often as they are learned.
    pub rows: u64,
    /// The tokens of these rows, by a guess of the scale.
    pub tokens: u64,
    /// Tokens a second of one GPU, by a guess of the scale, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Hours of one GPU at that rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_hours: Option<f64>,
    /// The most memory that a run takes where the models compute, in bytes, if the scale says what shape they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// A row that is not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedAbsence {
    /// The row.
    pub label: String,
    /// Why it is not measured.
    pub reason: String,
}

/// A step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// The instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// Whether it has to run.
    pub state: State,
    /// Its key, if the outputs of all its inputs are known.
    pub key: Option<Hash>,
    /// Its output, if it is cached.
    pub output: Option<Hash>,
    /// Why it runs or may have to; empty for a cached step.
    pub reasons: Vec<Reason>,
    /// What the key is made of; only where a step was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
}

impl PlanDocument {
    /// The steps of a plan, without what their keys are made of, and what a run of them would take.
    pub fn of_plan<'a>(
        graph: &Graph,
        entries: impl IntoIterator<Item = &'a PlanEntry>,
        work: PlannedWork,
    ) -> Self {
        let steps = entries.into_iter().map(|entry| PlannedStep::of(entry, None)).collect();
        Self { work: Some(work), ..Self::new(graph, steps) }
    }

    /// Steps that were asked about, with what their keys are made of.
    pub fn of_steps<'a>(graph: &Graph, entries: impl IntoIterator<Item = &'a PlanEntry>) -> Self {
        let described = |entry: &PlanEntry| PlannedStep::of(entry, entry.description.as_deref().cloned());
        Self::new(graph, entries.into_iter().map(described).collect())
    }

    fn new(graph: &Graph, steps: Vec<PlannedStep>) -> Self {
        let scale = graph.scale();
        Self {
            format: PLAN_FORMAT,
            recipe: graph.recipe().name.clone(),
            scale: scale.name.clone(),
            sets: scale.sets.clone(),
            steps,
            work: None,
        }
    }

    /// The JSON Schema of this form.
    pub fn schema() -> Schema {
        schemars::schema_for!(PlanDocument)
    }
}

impl PlannedStep {
    fn of(entry: &PlanEntry, description: Option<Description>) -> Self {
        Self {
            step: entry.step.clone(),
            state: entry.state,
            key: entry.key,
            output: entry.output,
            reasons: entry.reasons.clone(),
            description,
        }
    }
}
