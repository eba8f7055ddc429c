//! The header of a table: questions, samples, digits, groups, claims.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::grid::TextTable;
use super::{Document, Source, SourceError};
use crate::table::{ClaimLayout, Column, Gain, Group, Known, Layout, Rounding, RowLayout};

/// The lines before and after a header inside a file.
const FENCE: &str = "+++";

/// A number for all columns, or one for each.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Sizes {
    All(u32),
    Each(BTreeMap<String, u32>),
}

/// A header, in TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Header {
    title: String,
    questions: Option<Sizes>,
    samples: Option<Sizes>,
    decimals: Option<u32>,
    rounding: Option<Rounding>,
    /// Average columns and the columns that they average.
    groups: BTreeMap<String, Vec<String>>,
    /// Units of columns that hold no percentages.
    units: BTreeMap<String, String>,
    lower_is_better: Vec<String>,
    /// Labels of rows that are taken from elsewhere.
    quoted: Vec<String>,
    claims: Vec<ClaimLayout>,
    gains: Vec<Gain>,
}

/// The header inside a file, and the byte where the table begins. Everything but the header is replaced by spaces, so
/// that lines and columns stay the same.
pub(super) fn front_matter(document: Document<'_>) -> Option<(String, usize)> {
    let mut offset = 0;
    let mut blanked = String::with_capacity(document.text.len());
    let mut fences = 0;
    for line in document.text.split_inclusive('\n') {
        // In LaTeX the header stands in comments.
        let bare = line.trim_start_matches('%');
        let inside = fences == 1 && bare.trim() != FENCE;
        match (bare.trim() == FENCE, fences, line.trim().is_empty()) {
            (true, ..) => fences += 1,
            (false, 0, false) => return None,
            _ => {}
        }
        if inside {
            blanked.push_str(&spaces(&line[..line.len() - bare.len()]));
            blanked.push_str(bare);
        } else {
            blanked.push_str(&spaces(line));
        }
        offset += line.len();
        if fences == 2 {
            return Some((blanked, offset));
        }
    }
    None
}

/// As many spaces as a text has bytes; line breaks stay.
fn spaces(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// Reads a header.
pub(super) fn read(document: Document<'_>) -> Result<Header, Vec<SourceError>> {
    toml::from_str(document.text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        vec![SourceError::at(document.file, document.text, offset, error.message())]
    })
}

/// Puts a table and its header together.
pub(super) fn source(
    document: Document<'_>,
    header_document: Document<'_>,
    header: Header,
    table: &TextTable,
) -> Result<Source, Vec<SourceError>> {
    let names: Vec<&str> = table.head.iter().skip(1).map(|cell| cell.text.as_str()).collect();
    let mut errors = unknown_names(header_document, &header, &names);
    let size = |sizes: &Option<Sizes>, name: &str| match sizes {
        Some(Sizes::All(count)) => Some(*count),
        Some(Sizes::Each(counts)) => counts.get(name).copied(),
        None => None,
    };
    let columns = names.iter().filter(|name| !header.groups.contains_key(**name)).map(|&name| Column {
        id: name.to_owned(),
        group: header
            .groups
            .iter()
            .find(|(_, members)| members.iter().any(|m| m == name))
            .map(|(id, _)| id.clone()),
        paper_questions: size(&header.questions, name),
        paper_samples: size(&header.samples, name),
        unit: header.units.get(name).cloned(),
        lower_is_better: header.lower_is_better.iter().any(|column| column == name),
        ..Column::default()
    });
    let layout = Layout {
        caption: header.title.clone(),
        groups: header.groups.keys().map(|id| Group { id: id.clone(), label: id.clone() }).collect(),
        columns: columns.collect(),
        rows: rows(document, &header, table, &mut errors),
        claims: header.claims,
        gains: header.gains,
        rounding: header.rounding,
        decimals: header.decimals,
        ..Layout::default()
    };
    if errors.is_empty() {
        errors.extend(layout.check(&Known::default()).into_iter().map(|finding| {
            let message = format!("{}: {}", finding.path, finding.message);
            let error = SourceError::at(header_document.file, header_document.text, 0, message);
            match finding.suggestion {
                Some(help) => error.help(help),
                None => error,
            }
        }));
    }
    if errors.is_empty() { Ok(Source { title: header.title, layout }) } else { Err(errors) }
}

fn unknown_names(document: Document<'_>, header: &Header, names: &[&str]) -> Vec<SourceError> {
    let sizes = [&header.questions, &header.samples].into_iter().flatten().flat_map(|sizes| match sizes {
        Sizes::All(_) => Vec::new(),
        Sizes::Each(counts) => counts.keys().collect(),
    });
    let named = sizes
        .chain(header.groups.iter().flat_map(|(id, members)| std::iter::once(id).chain(members)))
        .chain(header.units.keys())
        .chain(&header.lower_is_better);
    let mut unknown: Vec<&String> = named.filter(|name| !names.contains(&name.as_str())).collect();
    unknown.dedup();
    let error = |name: &String| {
        let at = document.text.find(name.as_str()).unwrap_or(0);
        let message = format!("the table has no column `{name}`");
        let error = SourceError::at(document.file, document.text, at, message);
        match crate::names::hint(name, names.iter().copied()) {
            Some(hint) => error.help(hint),
            None => error,
        }
    };
    unknown.into_iter().map(error).collect()
}

fn rows(
    document: Document<'_>,
    header: &Header,
    table: &TextTable,
    errors: &mut Vec<SourceError>,
) -> Vec<RowLayout> {
    let mut rows = Vec::new();
    for cells in &table.rows {
        let Some(label) = cells.first() else { continue };
        let mut row = RowLayout {
            id: label.text.clone(),
            label: label.text.clone(),
            quoted: header.quoted.contains(&label.text),
            ..RowLayout::default()
        };
        for (cell, head) in cells.iter().zip(&table.head).skip(1) {
            let text = cell.text.trim_end_matches('%').trim_end();
            if ["", "-", "--", "---", "–", "—", "n/a"].contains(&text) {
                continue;
            }
            if let Err(error) = text.parse::<crate::printed::Decimal>() {
                errors.push(SourceError::at(
                    document.file,
                    document.text,
                    cell.offset,
                    format!("column `{}`: {error}", head.text),
                ));
                continue;
            }
            let id = head.text.clone();
            if cell.best {
                row.best.push(id.clone());
            }
            if cell.second {
                row.second.push(id.clone());
            }
            let of_group = header.groups.contains_key(&id);
            let values = if of_group { &mut row.averages } else { &mut row.printed };
            values.insert(id, text.to_owned());
        }
        rows.push(row);
    }
    rows
}
