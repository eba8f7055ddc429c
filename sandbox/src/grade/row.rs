//! Rows of a file of answers: JSON objects.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::rows::{is_beyond_floats, is_integer, member, object, said, without_mark};

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
        let written =
            |key: &str| member(text, key).filter(|number| is_integer(number) || is_beyond_floats(number));
        let id = match row.get("id") {
            Some(Value::String(id)) => Some(json!(id)),
            Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Some(json!(id)),
            _ => None,
        };
        let refused = |message: String| AnswerRowError { line, id: id.clone(), message };
        let answer = |key: &str, value: &Value| match value {
            Value::String(answer) => Ok(answer.clone()),
            Value::Number(number) => Ok(written(key).map_or_else(|| number.to_string(), str::to_owned)),
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
            refused(match row.get("id") {
                None | Some(Value::Null) => "`id` is missing".to_owned(),
                Some(_) => "`id` is neither a text nor an integer of 64 bits".to_owned(),
            })
        })?;
        Ok(AnswerRow { id, question: Question { gold, answer, options }, expected })
    }

    /// The row's line of results.
    pub fn result(&self, grader: Grader, grade: &Grade) -> GradeRow {
        let row = GradeRow { equal: grade.equal(), ..GradeRow::undecided(Some(self.id.clone()), grader) };
        let row = match &grade.result {
            Ok(decision) => {
                let message = decision.how.message().map(str::to_owned);
                GradeRow {
                    how: decision.how.name().to_owned(),
                    extracted: decision.extracted.clone(),
                    message: message.or_else(|| grader.doubt(&self.question.gold)),
                    ..row
                }
            }
            Err(undecided) => {
                GradeRow { how: undecided.name().to_owned(), message: Some(undecided.to_string()), ..row }
            }
        };
        let used = |amount: u64| (grade.comparisons > 0).then_some(amount);
        GradeRow { fuel: used(grade.fuel), peak_memory: used(grade.peak_memory), ..row }
    }
}

impl AnswerRowError {
    /// The line of results for a row that cannot be graded: `how` is `undecodable`, and `line` is the row's.
    pub fn result(&self, grader: Grader) -> GradeRow {
        GradeRow {
            line: Some(self.line),
            message: Some(self.message.clone()),
            ..GradeRow::undecided(self.id.clone(), grader)
        }
    }
}

/// The version of [`GradeRow`].
pub const GRADE_FORMAT: u32 = 1;

/// What a grader says of one row of answers: a line of a file of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GradeRow {
    /// The version of this form, in every line.
    #[schemars(extend("const" = GRADE_FORMAT))]
    pub format: u32,
    /// The row's `id`, a text or an integer; `null` if that much could not be read.
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub id: Value,
    /// The line of a row that cannot be graded, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Whether the answer is right; `null` where that is not known.
    pub equal: Option<bool>,
    /// The grader and its version.
    pub grader: String,
    /// By what the grade was reached ([`How`](super::How)), or why there is none: `undecodable`, `out-of-fuel`,
    /// `out-of-memory` or `judge-failure`. With a grade, the second and third say that the answer alone took more
    /// than a comparison has.
    pub how: String,
    /// The answer as the grader extracted it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extracted: Option<String>,
    /// Why there is no grade, or what else there is to say of one, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Units of fuel that comparisons in the sandbox used, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Most bytes of linear memory that one of them had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
}

impl GradeRow {
    fn undecided(id: Option<Value>, grader: Grader) -> Self {
        Self {
            format: GRADE_FORMAT,
            id: id.unwrap_or_default(),
            line: None,
            equal: None,
            grader: grader.to_string(),
            how: "undecodable".to_owned(),
            extracted: None,
            message: None,
            fuel: None,
            peak_memory: None,
        }
    }

    /// The JSON Schema of a line.
    #[must_use]
    pub fn schema() -> Schema {
        schemars::schema_for!(GradeRow)
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
