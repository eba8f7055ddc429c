//! Files of rows.

use std::borrow::Cow;

use camino::Utf8Path;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::error::{Place, RowsError};
use super::raw::{is_integer, items, member, read, without_lone_surrogates};

/// One row with its place.
pub(super) struct Row<'a> {
    pub path: &'a Utf8Path,
    pub line: usize,
    pub column: usize,
    /// Which row it is, from 1: the line, or the place in the array.
    pub number: usize,
    /// The row as it is written, but for lone surrogates.
    pub text: &'a str,
    pub object: Map<String, Value>,
    /// Whether escapes of lone surrogates, which no text can hold, were read as U+FFFD.
    pub mended: bool,
}

impl Row<'_> {
    pub(super) fn place(&self) -> Place {
        Place::new(self.path, self.line, self.column)
    }

    pub(super) fn error(&self, message: impl Into<String>) -> RowsError {
        RowsError::Form { place: self.place(), message: message.into() }
    }

    /// The value of a key; `null` is none.
    pub(super) fn given(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The text under the first of these keys that is given. What is given and no text is an error: to take
    /// it for nothing could leave a test out.
    pub(super) fn text(&self, keys: &[&str]) -> Result<Option<String>, String> {
        match keys.iter().find_map(|key| Some((key, self.given(key)?))) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.clone())),
            Some((key, other)) => Err(format!("its `{key}` is {}; expected a text", kind(other))),
        }
    }

    /// The value of a key that benchmarks also write as JSON text: what such a text holds, if that is a list or an
    /// object.
    pub(super) fn unpacked(&self, key: &str) -> Option<Cow<'_, Value>> {
        let value = self.given(key)?;
        let text = value.as_str().filter(|text| text.trim_start().starts_with(['[', '{']));
        Some(text.and_then(|text| read(text).ok()).map_or(Cow::Borrowed(value), Cow::Owned))
    }

    /// As [`text`](Self::text), for what must not be empty.
    pub(super) fn name(&self, keys: &[&str]) -> Result<Option<String>, String> {
        match self.text(keys)? {
            Some(name) if name.trim().is_empty() => {
                Err(format!("its `{}` is empty; expected a name", keys.join("` or `")))
            }
            name => Ok(name),
        }
    }

    /// The id under the first of these keys that is given: a text, or an integer as it is written.
    pub(super) fn id(&self, keys: &[&'static str]) -> Result<Option<(&'static str, String)>, RowsError> {
        let Some(key) = keys.iter().find(|key| self.gives_id(key)) else { return Ok(None) };
        match self.id_under(key) {
            Ok(id) => Ok(Some((key, id))),
            Err(found) => Err(RowsError::Id { place: self.place(), key: (*key).to_owned(), found }),
        }
    }

    /// All ids under these keys. The first that is given has to be one; others that are none are passed over.
    pub(super) fn ids(&self, keys: &[&'static str]) -> Result<Vec<(&'static str, String)>, RowsError> {
        self.id(keys)?;
        let given = keys.iter().filter(|key| self.gives_id(key));
        Ok(given.filter_map(|key| Some((*key, self.id_under(key).ok()?))).collect())
    }

    /// Whether a key may hold an id. A [`TITLE`] may be empty, which is none (TACO).
    fn gives_id(&self, key: &str) -> bool {
        self.given(key).is_some_and(|value| key != TITLE || value.as_str() != Some(""))
    }

    /// The id under a key, or what else it holds.
    fn id_under(&self, key: &str) -> Result<String, String> {
        match &self.object[key] {
            Value::String(id) if id.is_empty() => Err("empty".to_owned()),
            Value::String(id) => Ok(id.clone()),
            Value::Number(_) => match member(self.text, key).unwrap_or_default() {
                id if is_integer(id) => Ok(id.to_owned()),
                other => Err(format!("{other}, which is no integer")),
            },
            other => Err(kind(other).to_owned()),
        }
    }
}

/// The key of a problem's title, which is an id only as long as no other problem has it.
pub(super) const TITLE: &str = "name";

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text of a file, which is UTF-8 with or without a byte order mark.
///
/// A pipe or a device is refused: reading one may never end.
pub(super) fn read_text(path: &Utf8Path) -> Result<String, RowsError> {
    let failed = |source| RowsError::Read { path: path.to_owned(), source };
    let kind = fs_err::metadata(path).map_err(failed)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(RowsError::NoFile { path: path.to_owned() });
    }
    text_of(fs_err::read(path).map_err(failed)?, path)
}

/// The text that bytes of a file are.
pub(crate) fn text_of(bytes: Vec<u8>, path: &Utf8Path) -> Result<String, RowsError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        if let Some((what, remedy)) = no_text(error.as_bytes()) {
            return RowsError::NoText { path: path.to_owned(), what, remedy };
        }
        let (good, bad) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let (line, column) = position(&String::from_utf8_lossy(good));
        RowsError::Encoding {
            place: Place::new(path, line, column),
            byte: bad.first().copied().unwrap_or_default(),
        }
    })?;
    Ok(without_mark(&text).to_owned())
}

/// What a file is that is known not to be text, and what to do about it.
fn no_text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "unpack it, and name the file that comes out";
    let known: [(&[u8], &str, &str); 6] = [
        (b"\x1f\x8b", "packed with gzip", "unpack it (`gunzip -k FILE`), and name the file that comes out"),
        (
            b"PAR1",
            "a Parquet file",
            "write its rows as JSON lines: pandas' `read_parquet(FILE).to_json(OUT, orient=\"records\", lines=True)` does",
        ),
        (b"\x28\xb5\x2f\xfd", "packed with zstd", UNPACK),
        (b"BZh", "packed with bzip2", UNPACK),
        (b"\xfd7zXZ", "packed with xz", UNPACK),
        (b"PK\x03\x04", "a ZIP archive", UNPACK),
    ];
    known.into_iter().find_map(|(start, what, remedy)| bytes.starts_with(start).then_some((what, remedy)))
}

/// A text without the byte order mark that some editors start a file with.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Line and column, from 1, of what comes after a text.
fn position(before: &str) -> (usize, usize) {
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before.len() - line_start + 1)
}

/// Calls `each` with the rows of a text, which is JSON lines or one JSON array; `path` is its name for
/// messages.
pub(super) fn each_row(
    text: &str,
    path: &Utf8Path,
    mut each: impl FnMut(Row<'_>) -> Result<(), RowsError>,
) -> Result<(), RowsError> {
    for (place, number, written) in written_rows(text, path)? {
        row(written, &place, number, &mut each)?;
    }
    Ok(())
}

/// The rows of a text as they are written, which is JSON lines or one JSON array: of each where it starts, and
/// its line or its place in the array, from 1.
pub(crate) fn written_rows<'a>(
    text: &'a str,
    path: &Utf8Path,
) -> Result<Vec<(Place, usize, &'a str)>, RowsError> {
    let text = without_mark(text);
    if !text.trim_start().starts_with('[') {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        return Ok(lines.map(|(index, line)| (Place::new(path, index + 1, 1), index + 1, line)).collect());
    }
    let start = Place::new(path, 1, 1);
    read::<Vec<IgnoredAny>>(text).map_err(|error| no_json(&start, &error))?;
    let (mut line, mut column, mut seen) = (1, 1, 0);
    let mut rows = Vec::new();
    for (index, item) in items(text).unwrap_or_default().into_iter().enumerate() {
        // An item is a part of the text.
        let at = item.as_ptr().addr() - text.as_ptr().addr();
        let (lines, columns) = position(&text[seen..at]);
        column = if lines == 1 { column + columns - 1 } else { columns };
        line += lines - 1;
        seen = at;
        rows.push((Place::new(path, line, column), index + 1, item));
    }
    Ok(rows)
}

/// Calls `each` with the row that a text is; it starts at `start`.
pub(super) fn row(
    text: &str,
    start: &Place,
    number: usize,
    each: &mut impl FnMut(Row<'_>) -> Result<(), RowsError>,
) -> Result<(), RowsError> {
    let (object, mended) = object(text).map_err(|error| no_json(start, &error))?;
    each(Row {
        path: &start.path,
        line: start.line,
        column: start.column,
        number,
        text: mended.as_deref().unwrap_or(text),
        object,
        mended: mended.is_some(),
    })
}

/// An object in JSON as Python writes it, and its text if escapes of lone surrogates had to be replaced in it.
pub(crate) fn object(text: &str) -> Result<(Map<String, Value>, Option<String>), serde_json::Error> {
    let error = match read(text) {
        Ok(object) => return Ok((object, None)),
        Err(error) => error,
    };
    let Some(mended) = without_lone_surrogates(text) else { return Err(error) };
    Ok((read(&mended)?, Some(mended)))
}

/// What a reader of JSON says, without the place.
pub(crate) fn said(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message).to_owned()
}

fn no_json(start: &Place, error: &serde_json::Error) -> RowsError {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let before = if line == 1 { start.column - 1 } else { 0 };
    RowsError::Syntax {
        place: Place::new(&start.path, start.line + line - 1, before + column),
        message: said(error),
    }
}
