//! `[absent]`: models that recipes name and that a pipeline cannot make.

use std::collections::BTreeMap;

use crate::language::diagnostic::Diagnostics;
use crate::language::locate::{Part, diagnose, expect_table};
use crate::language::recipe::AbsentRow;
use crate::language::table::{IMPORTED, MODEL, ROWS};
use crate::values::location::Location;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// One of them.
#[derive(Clone)]
pub(crate) struct AbsentModel {
    pub(crate) name: String,
    pub(crate) reason: String,
    /// Place of the name.
    pub(crate) at: Location,
}

/// The key of what the paper calls a row.
const LABEL: &str = "label";

/// The key of a row for what the paper prints.
const PRINTED: &str = "printed";

/// The key of a recipe for what a reader must know.
const NOTES: &str = "notes";

/// Reads the reason for each model.
pub(crate) fn read_absent(absent: &Located, problems: &mut Diagnostics) -> Vec<AbsentModel> {
    let table = expect_table(absent, "`absent`", problems);
    let read = table.into_iter().flatten().filter_map(|(name, reason)| {
        let Value::Str(text) = &reason.value else {
            let message = format!("`{name}`: expected the reason, found {}", reason.value.type_name());
            problems.push(diagnose(reason, &ValuePath::default(), Part::Value, message, None));
            return None;
        };
        Some(AbsentModel { name: name.clone(), reason: text.clone(), at: reason.key.clone()? })
    });
    read.collect()
}

/// Takes these models, each with its reason, from the rows of a recipe's content, and says so in its `notes`: what is left of a
/// row are its printed values, and one without any is left out. Gives the rows.
pub(crate) fn leave_out(content: &mut Table, absent: &BTreeMap<String, String>) -> Vec<AbsentRow> {
    let mut found = Vec::new();
    let mut notes = Vec::new();
    for row in list(content, ROWS).into_iter().flatten() {
        let Value::Table(row) = &mut row.value else { continue };
        let text = |key: &str| row.get(key)?.value.as_str();
        let Some((model, reason)) = text(MODEL).and_then(|model| absent.get_key_value(model)) else {
            continue;
        };
        let label = text(LABEL).unwrap_or(model).to_owned();
        let note = Value::Str(format!("{label} is not measured at this scale: {reason}"));
        notes.extend(row.remove(MODEL).map(|model| Located { value: note, key: None, ..model }));
        found.push(AbsentRow { label, reason: reason.clone() });
    }
    if let Some(rows) = list(content, ROWS).filter(|_| !found.is_empty()) {
        rows.retain(|row| [MODEL, IMPORTED, PRINTED].iter().any(|key| row.at(key).is_some()));
    }
    match (list(content, NOTES), notes.first().cloned()) {
        (Some(written), _) => written.extend(notes),
        (None, Some(first)) => {
            content.insert(NOTES.to_owned(), Located { value: Value::List(notes), ..first });
        }
        (None, None) => {}
    }
    found
}

/// The list under a key.
fn list<'c>(content: &'c mut Table, key: &str) -> Option<&'c mut Vec<Located>> {
    match &mut content.get_mut(key)?.value {
        Value::List(list) => Some(list),
        _ => None,
    }
}
