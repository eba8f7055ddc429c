//! Tables in TOML: recipes, and tables of other papers in the same form.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::{Source, SourceError};
use crate::table::{Known, Layout};

/// Keys of a recipe that are no part of its table.
const OTHERS: [&str; 7] = ["title", "kind", "paper", "locator", "target", "expect", "steps"];
/// Keys that describe the measurement: a scale may hold their values.
const OF_THE_MEASUREMENT: [&str; 3] = ["notes", "deviations", "history"];
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
/// The first mistake in reading, or every mistake of the table itself, in the order of the table.
pub fn read_toml(document: Document<'_>, values: &[Values<'_>]) -> Result<Source, Vec<SourceError>> {
    let mut root = parse(document)?;
    let parsed = values.iter().map(|values| Ok((values.below, parse(values.document)?)));
    let known: Vec<(Option<&str>, Spanned<DeTable<'_>>)> = parsed.collect::<Result<_, Vec<SourceError>>>()?;
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
    let layout = Layout::deserialize(Deserializer::from(root)).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        vec![SourceError::at(document.file, document.text, offset, error.message())]
    })?;
    let errors: Vec<SourceError> = layout
        .check(&Known::default())
        .into_iter()
        .map(|finding| {
            let span = place(&places, &finding.path, finding.key);
            // One for the quote before the string.
            let inside = finding.offset.map_or(0, |offset| offset + 1);
            let error =
                SourceError::at(document.file, document.text, span.start + inside, finding.message.clone());
            match finding.suggestion {
                Some(help) => error.help(help),
                None => error,
            }
        })
        .collect();
    if errors.is_empty() { Ok(Source { title, layout }) } else { Err(errors) }
}

fn parse(document: Document<'_>) -> Result<Spanned<DeTable<'_>>, Vec<SourceError>> {
    DeTable::parse(document.text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        vec![SourceError::at(document.file, document.text, offset, error.message())]
    })
}

/// Replaces references below a value.
fn follow<'i>(
    value: &mut Spanned<DeValue<'i>>,
    known: &[(Option<&str>, Spanned<DeTable<'i>>)],
    depth: usize,
) {
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
            Some(at.get_ref().clone())
        })
    };
    let found = value.get_ref().as_str().and_then(|text| text.strip_prefix('$')).and_then(look_up);
    if let Some(found) = found {
        *value.get_mut() = found;
        follow(value, known, depth - 1);
        return;
    }
    match value.get_mut() {
        DeValue::Array(list) => list.iter_mut().for_each(|item| follow(item, known, depth)),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| follow(item, known, depth)),
        _ => {}
    }
}

/// The bytes of the value at a path such as `rows[2].printed.MATH500`. If there is none, those of the deepest list or
/// table on the path.
fn place(root: &Spanned<DeTable<'_>>, path: &str, key: bool) -> Range<usize> {
    let mut span = root.span();
    let mut table = Some(root.get_ref());
    let mut list = None;
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = step(rest);
        rest = after;
        let next = match step {
            Step::Key(name) => {
                let Some((found, value)) = table.and_then(|t| t.get_key_value(name)) else { break };
                if key && rest.is_empty() {
                    return found.span();
                }
                value
            }
            Step::Index(at) => {
                let Some(value) = list.and_then(|l: &toml::de::DeArray<'_>| l.get(at)) else { break };
                value
            }
        };
        span = next.span();
        (table, list) = (next.get_ref().as_table(), next.get_ref().as_array());
    }
    span
}

enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// The first step of a path, and what follows.
fn step(path: &str) -> (Step<'_>, &str) {
    let path = path.strip_prefix('.').unwrap_or(path);
    if let Some((at, rest)) = path.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (Step::Index(at.parse().unwrap_or(usize::MAX)), rest);
    }
    if let Some((name, rest)) = path.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        return (Step::Key(name), rest);
    }
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    (Step::Key(name), rest)
}
