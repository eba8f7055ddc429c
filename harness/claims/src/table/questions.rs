//! What the rows of a table scored on single questions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the rows scored on each question of one column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionScores {
    /// The questions' ids.
    pub questions: Vec<String>,
    /// By row id. A row that was not measured on the column is left out.
    pub rows: BTreeMap<String, RowScores>,
}

/// What one row scored on each question, the samples of all its seeds together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowScores {
    /// Samples of each question, those without a verdict included.
    pub samples: u64,
    /// For each question, in the order of the questions: the sum of its samples' scores, from 0 to `samples`. For verdicts
    /// that is the number of samples that passed.
    pub sums: Vec<f64>,
    /// By question: samples without a verdict. Questions without such samples are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, u64>,
}
