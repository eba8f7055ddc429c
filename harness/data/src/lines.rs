//! Files of items and demonstrations: JSON lines.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::de::DeserializeOwned;

use crate::{DataError, Demonstration, Item, Place};

/// The items of a file. `name` is the file's name in messages.
///
/// # Errors
/// [`DataError`] with file and line: a line that is not UTF-8 or not an item, an item that contradicts
/// itself, two items with one id; a file that cannot be read, or holds nothing.
pub fn read_items(path: &Utf8Path, name: &Utf8Path) -> Result<Vec<Item>, DataError> {
    read(path, name, |item: &Item| item)
}

/// The demonstrations of a file, each of another item. `name` is the file's name in messages.
///
/// # Errors
/// As [`read_items`].
pub fn read_demonstrations(path: &Utf8Path, name: &Utf8Path) -> Result<Vec<Demonstration>, DataError> {
    read(path, name, |demonstration: &Demonstration| &demonstration.item)
}

fn read<T: DeserializeOwned>(
    path: &Utf8Path,
    name: &Utf8Path,
    item: impl Fn(&T) -> &Item,
) -> Result<Vec<T>, DataError> {
    let bytes = fs_err::read(path).map_err(|source| DataError::Read { path: name.to_owned(), source })?;
    let mut lines = BTreeMap::new();
    let mut rows = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let place = || Place { path: name.to_owned(), line: index + 1, column: None };
        let line = str::from_utf8(line).map_err(|_| DataError::Encoding { place: place() })?;
        if line.trim().is_empty() {
            continue;
        }
        let row: T = serde_json::from_str(line).map_err(|error| {
            let column = Some(error.column()).filter(|column| *column > 0);
            DataError::Form { place: Place { column, ..place() }, message: without_place(&error) }
        })?;
        let of = item(&row);
        let id = of.id.clone();
        of.validate().map_err(|fault| DataError::Item { place: place(), id: id.clone(), fault })?;
        if let Some(first) = lines.insert(id.clone(), index + 1) {
            return Err(DataError::Twice { place: place(), id, first });
        }
        rows.push(row);
    }
    if rows.is_empty() { Err(DataError::Nothing { path: name.to_owned() }) } else { Ok(rows) }
}

/// What serde_json says, without the place: its line is always 1, and its column stands in the error's place.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => message,
    }
}
