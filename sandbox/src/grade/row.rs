//! Rows of a file of answers: JSON, one object a line.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::rows::{is_integer, member, object, said, without_mark};

use super::{Answer, Grade, Grader, Options, Question, Undecided};

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRow {
    /// What identifies it: a text, or an integer of 64 bits.
    pub id: Value,
    /// What is to be graded.
    pub question: Question,
    /// What the file says the grade is (`expected`, else `correct`), if it does.
    pub expected: Option<bool>,
}

/// A row that cannot be graded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct AnswerRowError {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The row's `id`, if that much could be read.
    pub id: Option<Value>,
    /// What is wrong.
    pub message: String,
}

impl AnswerRow {
    /// Reads the row in line `line` (from 1) of a file: an object with `id`, `gold` and either `prediction`,
    /// an answer alone, or `generation` or `output`, a whole response; the first of these that is not `null`
    /// counts. Answers are texts or numbers; if there are only `null`s, there is no answer, and that is
    /// graded. `options` may tell `math-verify` more ([`Options`]); other keys are passed over.
    ///
    /// # Errors
    /// A [`AnswerRowError`] that says what is missing or of the wrong type.
    pub fn parse(text: &str, line: usize) -> Result<Self, AnswerRowError> {
        let text = without_mark(text);
        let (row, mended) = object(text).map_err(|error| AnswerRowError {
            line,
            id: None,
            message: format!("no JSON object: {} (column {})", said(&error), error.column()),
        })?;
        let text = mended.as_deref().unwrap_or(text);
        // What is written counts where a parsed number would be another one.
        let integer = |key: &str| member(text, key).filter(|number| is_integer(number));
        let id = match row.get("id") {
            Some(Value::String(id)) => Some(json!(id)),
            Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Some(json!(id)),
            _ => None,
        };
        let refused = |message: String| AnswerRowError { line, id: id.clone(), message };
        let answer = |key: &str, value: &Value| match value {
            Value::String(answer) => Ok(answer.clone()),
            Value::Number(number) => Ok(integer(key).map_or_else(|| number.to_string(), str::to_owned)),
            _ => Err(refused(format!("`{key}` is neither a text nor a number"))),
        };
        let gold = row.get("gold").ok_or_else(|| refused("`gold` is missing".to_owned()))?;
        let gold = answer("gold", gold)?;
        let keys = ["prediction", "generation", "output"];
        let given = keys.into_iter().filter_map(|key| Some((key, row.get(key)?)));
        let (key, value) = given
            .clone()
            .find(|(_, value)| !value.is_null())
            .or_else(|| given.clone().next())
            .ok_or_else(|| refused("there is no `prediction`, `generation` or `output`".to_owned()))?;
        let value = if value.is_null() { String::new() } else { answer(key, value)? };
        let answer = if key == "prediction" { Answer::Extracted(value) } else { Answer::Response(value) };
        let options = match row.get("options") {
            Some(options) => {
                Options::deserialize(options).map_err(|error| refused(format!("`options`: {error}")))?
            }
            None => Options::default(),
        };
        let expected = ["expected", "correct"].iter().find_map(|key| row.get(*key)?.as_bool());
        let id = id.clone().ok_or_else(|| {
            refused("`id` is missing, or neither a text nor an integer of 64 bits".to_owned())
        })?;
        Ok(AnswerRow { id, question: Question { gold, answer, options }, expected })
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

impl AnswerRowError {
    /// The line of results for a row that cannot be graded: `how` is `undecodable`, and `line` is the row's.
    pub fn result(&self, grader: Grader) -> Value {
        json!({
            "id": self.id,
            "line": self.line,
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
