//! Files of answers.

use std::collections::HashMap;

use camino::Utf8Path;
use serde_json::Value;

use crate::rows::{RowsError, text_of, written_rows};

use super::{AnswerRow, AnswerRowError};

/// Reads a file of answers: JSON, one object a line, or one array of objects. A row that cannot be graded is an
/// error of its own. A pipe is read to its end.
///
/// # Errors
/// [`RowsError`]: a file that cannot be read or is not UTF-8, an array that is no JSON, two rows with one id, no
/// row at all.
pub fn read_answers(path: &Utf8Path) -> Result<Vec<Result<AnswerRow, AnswerRowError>>, RowsError> {
    let bytes = fs_err::read(path).map_err(|source| RowsError::Read { path: path.to_owned(), source })?;
    let text = text_of(bytes, path)?;
    let (mut rows, mut lines) = (Vec::new(), HashMap::new());
    for (place, _, text) in written_rows(&text, path)? {
        let row = AnswerRow::parse(text, place.line);
        if let Ok(AnswerRow { id, .. }) = &row
            && let Some(first) = lines.insert(id.to_string(), place.line)
        {
            let id = id.as_str().map_or_else(|| Value::to_string(id), str::to_owned);
            return Err(RowsError::Twice { place, what: "row", id, first });
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(RowsError::Empty { path: path.to_owned(), what: "row" });
    }
    Ok(rows)
}
