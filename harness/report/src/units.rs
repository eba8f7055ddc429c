//! The units of the table's values in words.

use crate::model::{Column, Report};
use crate::number::NO_UNIT;

/// The unit of a column in words.
pub(crate) fn unit(column: &Column) -> &str {
    match column.unit.as_deref() {
        None => "percent",
        Some("") => NO_UNIT,
        Some(unit) => unit,
    }
}

/// Whether columns have different units, so that headings name them.
pub(crate) fn units_differ(report: &Report) -> bool {
    report.columns.iter().any(|column| Some(&column.unit) != report.columns.first().map(|first| &first.unit))
}

/// The unit of a column as its heading has it: where columns differ, of those that are not in percent.
pub(crate) fn unit_in_heading<'a>(report: &Report, column: &'a Column) -> Option<&'a str> {
    (column.unit.is_some() && units_differ(report)).then(|| unit(column))
}

/// The unit of the table's values in words.
pub(crate) fn units(report: &Report) -> String {
    match report.columns.first() {
        Some(_) if units_differ(report) => "percent unless a heading names another unit".to_owned(),
        Some(first) => unit(first).to_owned(),
        None => "percent".to_owned(),
    }
}

/// A text that begins a sentence.
pub(crate) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
