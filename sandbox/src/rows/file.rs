//! Files of rows.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

use super::raw::items;

/// A file of problems or samples that cannot be used: where and why.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A row cannot be used.
    #[error("{path}:{line}:{column}: {message}")]
    Row {
        /// The file.
        path: Utf8PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// There is no row.
    #[error("{path} holds no {what}")]
    Empty {
        /// The file.
        path: Utf8PathBuf,
        /// What was expected.
        what: &'static str,
    },
}

/// One row with its place.
pub(super) struct Row<'a> {
    pub path: &'a Utf8Path,
    pub line: usize,
    /// The row as it is written.
    pub text: &'a str,
    pub object: Map<String, Value>,
}

impl Row<'_> {
    pub(super) fn error(&self, message: impl Into<String>) -> RowsError {
        RowsError::Row { path: self.path.to_owned(), line: self.line, column: 1, message: message.into() }
    }

    /// The first of these keys that holds a text or a number, as text.
    pub(super) fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| match self.object.get(*key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        })
    }
}

/// The text of a file.
pub(super) fn read_text(path: &Utf8Path) -> Result<String, RowsError> {
    fs_err::read_to_string(path).map_err(|source| RowsError::Read { path: path.to_owned(), source })
}

/// Calls `each` with the rows of a text, which is JSON lines or one JSON array; `path` is its name for
/// messages.
pub(super) fn each_row(
    text: &str,
    path: &Utf8Path,
    mut each: impl FnMut(Row<'_>) -> Result<(), RowsError>,
) -> Result<(), RowsError> {
    if text.trim_start().starts_with('[') {
        let rows: Vec<Map<String, Value>> =
            serde_json::from_str(text).map_err(|error| no_json(path, 0, &error))?;
        let texts = items(text).unwrap_or_default();
        return rows
            .into_iter()
            .zip(texts)
            .try_for_each(|(object, text)| each(Row { path, line: 1, text, object }));
    }
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let object = serde_json::from_str(line).map_err(|error| no_json(path, index, &error))?;
        each(Row { path, line: index + 1, text: line, object })?;
    }
    Ok(())
}

fn no_json(path: &Utf8Path, lines_before: usize, error: &serde_json::Error) -> RowsError {
    let message = error.to_string();
    // The place is given apart.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    RowsError::Row {
        path: path.to_owned(),
        line: lines_before + error.line().max(1),
        column: error.column().max(1),
        message: format!("no row: {message}"),
    }
}
