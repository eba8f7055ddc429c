//! Samples and their scores.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::NOT_FINITE;

/// Why a sample has no score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unscored {
    /// The sample or its scorer ended with an error.
    Error,
    /// The log marks the sample as invalid.
    Invalidated,
    /// The score is not a number, or not finite.
    NotANumber,
    /// The log has no score for the sample.
    NotScored,
}

impl Unscored {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Invalidated => "invalidated",
            Self::NotANumber => "not-a-number",
            Self::NotScored => "not-scored",
        }
    }
}

/// What is known of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Its score, in `[0, 1]`; a verdict is 0 or 1.
    Score(f64),
    /// It has none.
    Unscored(Unscored),
}

/// A sample as a log has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSample {
    /// The question, as the log names it.
    pub question: String,
    /// The sample's number in this log; `None` if the log has no numbers and samples count in their order.
    pub sample: Option<u32>,
    /// Its score.
    pub outcome: Outcome,
    /// The line in the file, from 1; 0 where it is not known.
    pub line: u64,
}

/// A sample of an import.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The question.
    pub question: String,
    /// Which of the samples, from 0.
    pub sample: u32,
    /// Its score.
    pub outcome: Outcome,
}

/// The remedy for a value that is not a score.
pub(crate) const SCORES: &str = "a score is 0 or 1, true or false, or a fraction between 0 and 1";

/// A score as a fraction.
pub(crate) fn of_number(number: f64) -> Result<Outcome, String> {
    match number {
        _ if !number.is_finite() => Ok(Outcome::Unscored(Unscored::NotANumber)),
        // Minus zero is zero, also in its bytes.
        _ if (0.0..=1.0).contains(&number) => Ok(Outcome::Score(number.abs())),
        _ => Err(format!("{number} is not a score between 0 and 1")),
    }
}

/// A score from JSON: a verdict, a fraction, or none.
pub(crate) fn of_json(value: &Value) -> Result<Outcome, String> {
    match value {
        Value::Bool(right) => Ok(Outcome::Score(f64::from(u8::from(*right)))),
        Value::Number(number) => of_number(number.as_f64().unwrap_or(f64::NAN)),
        Value::Null => Ok(Outcome::Unscored(Unscored::NotScored)),
        Value::String(text) if text.starts_with(NOT_FINITE) => Ok(Outcome::Unscored(Unscored::NotANumber)),
        Value::String(text) => Err(format!("`{text}` is not a score")),
        Value::Array(_) => Err("a list is not a score".to_owned()),
        Value::Object(_) => Err("an object is not a score".to_owned()),
    }
}

/// A question's name from JSON: text, or a whole number.
pub(crate) fn question(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}
