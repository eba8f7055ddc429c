//! Reading and writing the JSON form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT_VERSION, Format, Problem, Report};

/// Why a text is not a report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is JSON of another kind, or no JSON.
    #[error("not a report: `format` should be \"assay-report {FORMAT_VERSION}\" ({found})")]
    NotAReport {
        /// What was found instead.
        found: String,
    },
    /// It was written by an older program.
    #[error(
        "the report has format version {found}, this program reads {FORMAT_VERSION}: make the report again"
    )]
    Older {
        /// Version in the text.
        found: u32,
    },
    /// It was written by a newer program.
    #[error(
        "the report has format version {found}, this program reads up to {FORMAT_VERSION}: update the program or make the report again"
    )]
    Newer {
        /// Version in the text.
        found: u32,
    },
    /// A field is missing, unknown or of the wrong type.
    #[error("malformed report: {0}")]
    Malformed(#[source] serde_json::Error),
    /// Its parts do not fit together.
    #[error("inconsistent report: {0}")]
    Inconsistent(#[from] Problem),
}

#[derive(Deserialize)]
struct Head {
    format: String,
}

impl Report {
    /// Reads a report and checks that its parts fit together.
    ///
    /// # Errors
    /// [`ReadError`], with line and column for a field that is unknown, missing or of the wrong type.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let head: Head =
            serde_json::from_str(text).map_err(|error| ReadError::NotAReport { found: error.to_string() })?;
        match Format::version(&head.format) {
            Some(FORMAT_VERSION) => {}
            Some(found) if found > FORMAT_VERSION => return Err(ReadError::Newer { found }),
            Some(found) => return Err(ReadError::Older { found }),
            None => return Err(ReadError::NotAReport { found: format!("found {:?}", head.format) }),
        }
        let report: Self = serde_json::from_str(text).map_err(ReadError::Malformed)?;
        report.check()?;
        Ok(report)
    }

    /// The blake3 hash of [`Report::to_json`], in hexadecimal digits: the name of these very numbers.
    pub fn hash(&self) -> String {
        blake3::hash(self.to_json().as_bytes()).to_hex().to_string()
    }

    /// The report as indented JSON with sorted keys and a final newline.
    ///
    /// Equal reports give equal bytes. Reading the text gives the report back, bit for bit, as long as its
    /// numbers are finite (see [`Report::check`]; others are written as `null`).
    pub fn to_json(&self) -> String {
        pretty(self)
    }
}

/// Indented JSON with sorted keys and a final newline.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // Neither step can fail: every key is a string or an integer, and writing goes to memory.
    let value = serde_json::to_value(value).map(sorted).unwrap_or_default();
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// Sorts the keys of all objects, whichever map `serde_json` was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<_, _> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(Map::from_iter(map))
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The JSON Schema of the form that [`Report::from_json`] reads, as indented JSON with a final newline.
///
/// What a schema cannot say, such as that references point at something, [`Report::check`] does.
pub fn schema() -> String {
    pretty(&schemars::schema_for!(Report))
}
