//! Where numbers come from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An artefact that cells were computed from, or that such an artefact was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name that cells and other sources refer to.
    pub id: String,
    /// The step that made it, e.g. `verdicts-acc[seed=1]`.
    pub step: String,
    /// What kind of step that is, e.g. `judge`.
    pub kind: String,
    /// Key of the step's action: everything that its result depends on, hashed.
    pub key: String,
    /// Hash of the artefact.
    pub artefact: String,
    /// Ids of the sources that it was made from, in no particular order. They make no circle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Seed of the training run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What else the result depends on, e.g. judge, image, limits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// What was fixed before the run: regimes, seeds, questions, thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// The criteria in words.
    pub text: String,
    /// Hash of the files that state them.
    pub hash: String,
}
