//! Rows of a file of answers: JSON, one object a line.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Grade, Grader, Options, Question, Undecided};

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What identifies it: a text or a number.
    pub id: Value,
    /// What is to be graded.
    pub question: Question,
    /// What the file says the grade is (`expected`, else `correct`), if it does.
    pub expected: Option<bool>,
}

/// A row that cannot be graded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RowError {
    /// The row's `id`, if that much could be read.
    pub id: Option<Value>,
    /// What is wrong.
    pub message: String,
}

impl Row {
    /// Reads a line: an object with `id`, `gold` and either `prediction`, an answer alone, or `generation` or
    /// `output`, a whole response. Answers are texts or numbers; `null` for the one that is graded is no
    /// answer. `options` may tell `math-verify` more ([`Options`]); other keys are passed over.
    ///
    /// # Errors
    /// A [`RowError`] that says what is missing or of the wrong type.
    pub fn parse(line: &str) -> Result<Self, RowError> {
        let refused = |id: Option<&Value>, message: String| RowError { id: id.cloned(), message };
        let row: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| refused(None, format!("no JSON object: {error}")))?;
        let id = row.get("id").filter(|id| id.is_string() || id.is_number());
        let refused = |message: String| refused(id, message);
        let text = |key: &str, value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(refused(format!("`{key}` is neither a text nor a number"))),
        };
        let gold = row.get("gold").ok_or_else(|| refused("`gold` is missing".to_owned()))?;
        let gold = text("gold", gold)?;
        let keys = ["prediction", "generation", "output"];
        let (key, value) = keys
            .iter()
            .find_map(|key| Some((*key, row.get(*key)?)))
            .ok_or_else(|| refused("there is no `prediction`, `generation` or `output`".to_owned()))?;
        let value = if value.is_null() { String::new() } else { text(key, value)? };
        let answer = if key == "prediction" { Answer::Extracted(value) } else { Answer::Response(value) };
        let options = match row.get("options") {
            Some(options) => {
                Options::deserialize(options).map_err(|error| refused(format!("`options`: {error}")))?
            }
            None => Options::default(),
        };
        let expected = ["expected", "correct"].iter().find_map(|key| row.get(*key)?.as_bool());
        let id = id
            .cloned()
            .ok_or_else(|| refused("`id` is missing, or neither a text nor a number".to_owned()))?;
        Ok(Row { id, question: Question { gold, answer, options }, expected })
    }

    /// The row's line of results, a JSON object: `id`, `equal` (`null` if that is not known), `grader` and
    /// its version, `how`, `extracted` if the grader extracted an answer, and what comparisons in the sandbox
    /// used.
    pub fn result(&self, grader: Grader, grade: &Grade) -> Value {
        let mut line = json!({ "id": self.id, "equal": grade.equal(), "grader": grader.to_string() });
        match &grade.result {
            Ok(decision) => {
                line["how"] = json!(decision.how);
                if let Some(extracted) = &decision.extracted {
                    line["extracted"] = json!(extracted);
                }
            }
            Err(undecided) => {
                line["how"] = json!(undecided.name());
                line["message"] = json!(undecided.to_string());
            }
        }
        if grade.comparisons > 0 {
            line["fuel"] = json!(grade.fuel);
            line["peak_memory"] = json!(grade.peak_memory);
        }
        line
    }
}

impl RowError {
    /// The line of results for a row that cannot be graded: `how` is `undecodable`.
    pub fn result(&self, grader: Grader) -> Value {
        json!({
            "id": self.id,
            "equal": null,
            "grader": grader.to_string(),
            "how": "undecodable",
            "message": self.message,
        })
    }
}

impl Undecided {
    /// Its name in results.
    pub fn name(&self) -> &'static str {
        match self {
            Undecided::OutOfFuel => "out-of-fuel",
            Undecided::OutOfMemory => "out-of-memory",
            Undecided::JudgeFailure(_) => "judge-failure",
        }
    }
}
