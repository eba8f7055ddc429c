//! The questions behind a column, and samples of a few of them.

use assay_claims::table::QuestionScores;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The questions behind one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnQuestions {
    /// Id of the [`Column`](super::Column).
    pub column: String,
    /// What each row scored on each question.
    pub scores: QuestionScores,
    /// Some of the questions, with samples to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<ShownQuestion>,
}

/// A question with samples to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownQuestion {
    /// Its id, one of those of the column.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Right answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Samples of the rows, in the order of the rows.
    pub samples: Vec<Sample>,
}

/// One sample of a row's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Id of the row.
    pub row: String,
    /// Seed of the training run; absent for a model that was not trained per seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Which of the row's samples of the question under this seed, from 0.
    pub number: u32,
    /// What the model wrote before its answer.
    pub thought: String,
    /// Its answer; absent where the text was cut or malformed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The verdict on the answer, e.g. `pass`, `wrong-answer`, `judge-failure`.
    pub verdict: String,
}
