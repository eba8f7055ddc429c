//! Tables in TOML: recipes, and tables of other papers in the same form.

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::places::{Files, place, steps};
use super::{Source, SourceError};
use crate::table::{self, Layout};

/// Keys of a recipe that are no part of its table.
const OTHERS: [&str; 10] =
    ["title", "kind", "paper", "locator", "scales", "target", "expect", "steps", "seeds", "inputs"];
/// Keys that describe the measurement: a scale may hold their values.
const OF_THE_MEASUREMENT: [&str; 4] = ["notes", "deviations", "history", "rules"];
/// Most references that are followed one after the other: more count as a circle.
const DEEPEST: usize = 16;

/// A file and its text.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The file, as errors name it.
    pub file: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// A file whose values a table may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The name that comes before the path of each of its values; `None` for no name.
    pub below: Option<&'a str>,
    /// The file.
    pub document: Document<'a>,
}

/// Reads a table. A string `"$path"` stands for the value at that path in the first of `values` that has one; others
/// belong to the measurement and stay as they are.
///
/// # Errors
/// The first mistake in reading, or every mistake of the table itself, in the order of the table. A mistake in a value
/// that a reference stands for has its place in the file that holds the value.
pub fn read_toml(document: Document<'_>, values: &[Values<'_>]) -> Result<Source, Vec<SourceError>> {
    // A value that stands for a reference keeps its place, which is in the file that holds it.
    let files = Files::new([document].into_iter().chain(values.iter().map(|values| values.document)));
    let texts = files.moved();
    let parsed = texts.iter().map(|text| parse(text, &files));
    let mut parsed: Vec<Spanned<DeTable<'_>>> = parsed.collect::<Result<_, _>>()?;
    let mut root = parsed.remove(0);
    let known: Vec<Known<'_>> = values.iter().map(|values| values.below).zip(parsed).collect();
    let title = root.get_ref().get("title").and_then(|title| title.get_ref().as_str());
    let title = title.unwrap_or_default().to_owned();
    for key in OTHERS {
        root.get_mut().remove(key);
    }
    for (_, value) in root.get_mut().iter_mut() {
        follow(value, &known, DEEPEST);
    }
    // The audit does not read the scale, and needs none of these.
    for list in OF_THE_MEASUREMENT {
        if root.get_ref().get(list).is_some_and(|value| value.get_ref().is_str()) {
            root.get_mut().remove(list);
        }
    }
    let places = root.clone();
    let layout = Layout::deserialize(Deserializer::from(root)).map_err(|error| wrong(&files, &error))?;
    let errors: Vec<SourceError> = layout
        .check(&table::Known::default())
        .into_iter()
        .map(|finding| {
            let span = place(&places, &steps(&finding.path), finding.key);
            let byte = finding.offset.map_or(span.start, |offset| files.inside(span.start, offset));
            files.error(byte, finding.message).maybe_help(finding.suggestion)
        })
        .collect();
    if errors.is_empty() { Ok(Source { title, layout }) } else { Err(errors) }
}

/// A file's values, and the name that comes before the path of each.
type Known<'a> = (Option<&'a str>, Spanned<DeTable<'a>>);

/// Reads a text whose bytes have the numbers of `files`.
pub(super) fn parse<'t>(text: &'t str, files: &Files<'_>) -> Result<Spanned<DeTable<'t>>, Vec<SourceError>> {
    DeTable::parse(text).map_err(|error| wrong(files, &error))
}

/// What the parser says, at its place.
pub(super) fn wrong(files: &Files<'_>, error: &toml::de::Error) -> Vec<SourceError> {
    vec![files.error(error.span().map_or(0, |span| span.start), error.message())]
}

/// Replaces references below a value.
fn follow<'i>(value: &mut Spanned<DeValue<'i>>, known: &[Known<'i>], depth: usize) {
    if depth == 0 {
        return;
    }
    let look_up = |path: &str| {
        known.iter().find_map(|(below, table)| {
            let mut names = path.split('.').peekable();
            if let Some(below) = below {
                names.next_if_eq(below)?;
            }
            let mut at = table.get_ref().get(names.next()?)?;
            for name in names {
                at = at.get_ref().as_table()?.get(name)?;
            }
            Some(at.clone())
        })
    };
    let found = value.get_ref().as_str().and_then(|text| text.strip_prefix('$')).and_then(look_up);
    if let Some(found) = found {
        *value = found;
        follow(value, known, depth - 1);
        return;
    }
    match value.get_mut() {
        DeValue::Array(list) => list.iter_mut().for_each(|item| follow(item, known, depth)),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| follow(item, known, depth)),
        _ => {}
    }
}
