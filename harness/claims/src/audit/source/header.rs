//! The header of a table: questions, samples, digits, groups, claims.

use std::collections::BTreeMap;
use std::fmt;

use ::toml::Spanned;
use ::toml::de::DeTable;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::grid::{DASHES, TextCell, TextTable};
use super::places::{Files, Step, place, steps};
use super::{Document, Source, SourceError, toml};
use crate::table::{ClaimLayout, Column, Finding, Gain, Group, Known, Layout, Rounding, RowLayout};

/// The lines before and after a header inside a file.
const FENCE: &str = "+++";
/// What to do where a value is no percentage.
const NO_PERCENTAGE: &str = "if the column holds other values than percentages, say so in the header: units = { COLUMN = \"tokens\" }";

/// A number for all columns, or one for each.
#[derive(Debug, Clone)]
enum Sizes {
    All(u32),
    Each(BTreeMap<String, u32>),
}

impl<'de> Deserialize<'de> for Sizes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnySizes)
    }
}

struct AnySizes;

impl<'de> Visitor<'de> for AnySizes {
    type Value = Sizes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of at least 1, or a table with one for each column, such as { A = 500 }")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Sizes, E> {
        let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
        u32::try_from(number).map(Sizes::All).map_err(wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sizes, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Sizes::Each)
    }
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
    /// Methods of rows, by label, where the label alone does not tell.
    methods: BTreeMap<String, String>,
    /// Rows that are compared among each other when the best of them is marked, by the block's name.
    blocks: BTreeMap<String, Vec<String>>,
    claims: Vec<ClaimLayout>,
    gains: Vec<Gain>,
}

/// The header inside a file, and the byte where the table begins. Everything but the header is replaced by spaces, so
/// that lines and columns stay the same. An error where the header has no end.
pub(super) fn front_matter(document: Document<'_>) -> Result<Option<(String, usize)>, SourceError> {
    let mut offset = 0;
    let mut blanked = String::with_capacity(document.text.len());
    let mut fences = 0;
    for line in document.text.split_inclusive('\n') {
        // In LaTeX the header stands in comments.
        let bare = line.trim_start_matches('%');
        let inside = fences == 1 && bare.trim() != FENCE;
        match (bare.trim() == FENCE, fences, line.trim().is_empty()) {
            (true, ..) => fences += 1,
            (false, 0, false) => return Ok(None),
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
            return Ok(Some((blanked, offset)));
        }
    }
    if fences == 0 {
        return Ok(None);
    }
    let begin = document.text.find(FENCE).unwrap_or_default();
    let error = SourceError::at(document.file, document.text, begin, "the header has no end");
    Err(error.help("close it with a second line `+++`, and put the table below"))
}

/// As many spaces as a text has bytes; line breaks stay.
fn spaces(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// A header and its text.
pub(super) struct HeaderSource<'a> {
    files: Files<'a>,
    tree: Spanned<DeTable<'a>>,
    header: Header,
}

/// Reads a header.
pub(super) fn read(document: Document<'_>) -> Result<HeaderSource<'_>, Vec<SourceError>> {
    let files = Files::new([document]);
    let tree = toml::parse(document.text, &files)?;
    let header = Header::deserialize(::toml::de::Deserializer::from(tree.clone()))
        .map_err(|e| toml::wrong(&files, &e))?;
    Ok(HeaderSource { files, tree, header })
}

/// Puts a table and its header together.
pub(super) fn source(
    document: Document<'_>,
    read: HeaderSource<'_>,
    table: &TextTable,
) -> Result<Source, Vec<SourceError>> {
    let header = &read.header;
    let columns: Vec<&TextCell> =
        table.head.iter().skip(1).filter(|cell| !header.groups.contains_key(&cell.text)).collect();
    let mut errors = unknown_names(&read, table);
    let layout = Layout {
        caption: header.title.clone(),
        groups: header.groups.iter().map(|(id, columns)| group(id, columns)).collect(),
        columns: columns.iter().map(|cell| column(header, &cell.text)).collect(),
        rows: rows(document, header, table, &mut errors),
        claims: header.claims.clone(),
        gains: header.gains.clone(),
        rounding: header.rounding,
        decimals: header.decimals,
        ..Layout::default()
    };
    if errors.is_empty() {
        let places = Places { document, read: &read, table, columns };
        for finding in layout.check(&Known::default()) {
            let error = places.error(finding);
            // One number for all columns is one mistake.
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    if errors.is_empty() { Ok(Source { title: read.header.title, layout }) } else { Err(errors) }
}

fn group(id: &str, columns: &[String]) -> Group {
    Group { id: id.to_owned(), label: id.to_owned(), columns: columns.to_vec() }
}

fn column(header: &Header, name: &str) -> Column {
    let size = |sizes: &Option<Sizes>| match sizes {
        Some(Sizes::All(count)) => Some(*count),
        Some(Sizes::Each(counts)) => counts.get(name).copied(),
        None => None,
    };
    Column {
        id: name.to_owned(),
        paper_questions: size(&header.questions),
        paper_samples: size(&header.samples),
        unit: header.units.get(name).cloned(),
        lower_is_better: header.lower_is_better.iter().any(|column| column == name),
        ..Column::default()
    }
}

/// What a finding of the table's check is about: something in the header, or a cell of the table.
struct Places<'a> {
    document: Document<'a>,
    read: &'a HeaderSource<'a>,
    table: &'a TextTable,
    /// The names of the columns that are no averages.
    columns: Vec<&'a TextCell>,
}

impl Places<'_> {
    fn error(&self, finding: Finding) -> SourceError {
        let Finding { path, key, message, suggestion, offset } = finding;
        let path = steps(&path);
        let header = &self.read.header;
        let error = match path[..] {
            [Step::Key("columns"), Step::Index(at), Step::Key("paper_questions")] => {
                self.of_size("questions", &header.questions, at, &message)
            }
            [Step::Key("columns"), Step::Index(at), Step::Key("paper_samples")] => {
                self.of_size("samples", &header.samples, at, &message)
            }
            [Step::Key("columns"), Step::Index(at), ..] => {
                self.in_table(self.columns.get(at).copied(), message)
            }
            [Step::Key("rows"), Step::Index(at), ref rest @ ..] => {
                let row = self.table.rows.get(at);
                let column = match rest {
                    [Step::Key("printed" | "averages"), Step::Key(name)] => {
                        self.table.head.iter().position(|cell| cell.text == *name)
                    }
                    _ => None,
                };
                let error = self.in_table(row.and_then(|row| row.get(column.unwrap_or(0))), message);
                if column.is_some() { error.help(NO_PERCENTAGE) } else { error }
            }
            [Step::Key("columns" | "rows")] => self.in_table(self.table.head.first(), message),
            [Step::Key("groups"), Step::Index(at), ..] => {
                let name = header.groups.keys().nth(at).map_or("", String::as_str);
                self.read.error(&[Step::Key("groups"), Step::Key(name)], true, None, message)
            }
            _ => self.read.error(&path, key, offset, message),
        };
        error.maybe_help(suggestion)
    }

    /// An error about the number of a column, which stands in the header once for all columns or for this one.
    fn of_size(&self, field: &str, sizes: &Option<Sizes>, column: usize, message: &str) -> SourceError {
        let name = self.columns.get(column).map_or("", |cell| cell.text.as_str());
        let (path, what) = match sizes {
            Some(Sizes::Each(_)) => (vec![Step::Key(field), Step::Key(name)], format!("{field}.{name}")),
            _ => (vec![Step::Key(field)], field.to_owned()),
        };
        self.read.error(&path, false, None, format!("`{what}` {message}"))
    }

    fn in_table(&self, cell: Option<&TextCell>, message: String) -> SourceError {
        let offset = cell.map_or(0, |cell| cell.offset);
        SourceError::at(self.document.file, self.document.text, offset, message)
    }
}

impl HeaderSource<'_> {
    /// An error at a path of the header: at the key, at the value, or at a byte of the string that the value is.
    fn error(
        &self,
        path: &[Step<'_>],
        key: bool,
        offset: Option<usize>,
        message: impl Into<String>,
    ) -> SourceError {
        let start = place(&self.tree, path, key).start;
        self.files.error(offset.map_or(start, |offset| self.files.inside(start, offset)), message)
    }
}

/// Names of columns that the table does not have, wherever the header has one.
fn unknown_names(read: &HeaderSource<'_>, table: &TextTable) -> Vec<SourceError> {
    let header = &read.header;
    let mut named: Vec<(Vec<Step<'_>>, bool, &String)> = Vec::new();
    for (field, sizes) in [("questions", &header.questions), ("samples", &header.samples)] {
        if let Some(Sizes::Each(counts)) = sizes {
            named.extend(counts.keys().map(|name| (vec![Step::Key(field), Step::Key(name)], true, name)));
        }
    }
    for (id, members) in &header.groups {
        let group = [Step::Key("groups"), Step::Key(id)];
        named.push((group.to_vec(), true, id));
        let member = |(at, name)| ([&group[..], &[Step::Index(at)]].concat(), false, name);
        named.extend(members.iter().enumerate().map(member));
    }
    named.extend(header.units.keys().map(|name| (vec![Step::Key("units"), Step::Key(name)], true, name)));
    let lower = header.lower_is_better.iter().enumerate();
    named.extend(lower.map(|(at, name)| (vec![Step::Key("lower_is_better"), Step::Index(at)], false, name)));
    let known = || table.head.iter().skip(1).map(|cell| cell.text.as_str());
    let unknown = named.into_iter().filter(|(_, _, name)| !known().any(|known| known == name.as_str()));
    let error = |(path, key, name): (Vec<Step<'_>>, bool, &String)| {
        let error = read.error(&path, key, None, format!("the table has no column `{name}`"));
        error.maybe_help(crate::names::hint(name, known()))
    };
    unknown.map(error).chain(unknown_rows(read, table)).collect()
}

/// Names of rows that the table does not have, wherever the header has one.
fn unknown_rows<'r>(
    read: &'r HeaderSource<'_>,
    table: &'r TextTable,
) -> impl Iterator<Item = SourceError> + 'r {
    let header = &read.header;
    let mut named: Vec<(Vec<Step<'_>>, bool, &String)> = Vec::new();
    let quoted = header.quoted.iter().enumerate();
    named.extend(quoted.map(|(at, name)| (vec![Step::Key("quoted"), Step::Index(at)], false, name)));
    let methods = header.methods.keys();
    named.extend(methods.map(|name| (vec![Step::Key("methods"), Step::Key(name)], true, name)));
    for (block, rows) in &header.blocks {
        let path = |at| vec![Step::Key("blocks"), Step::Key(block), Step::Index(at)];
        named.extend(rows.iter().enumerate().map(|(at, name)| (path(at), false, name)));
    }
    let known = || table.rows.iter().filter_map(|row| Some(row.first()?.text.as_str()));
    let unknown = named.into_iter().filter(move |(_, _, name)| !known().any(|known| known == name.as_str()));
    unknown.map(move |(path, key, name)| {
        let error = read.error(&path, key, None, format!("the table has no row `{name}`"));
        error.maybe_help(crate::names::hint(name, known()))
    })
}

fn rows(
    document: Document<'_>,
    header: &Header,
    table: &TextTable,
    errors: &mut Vec<SourceError>,
) -> Vec<RowLayout> {
    let mut rows = Vec::new();
    for (at, cells) in table.rows.iter().enumerate() {
        let Some(label) = cells.first() else { continue };
        let named = header.blocks.iter().find(|(_, rows)| rows.contains(&label.text));
        let inferred = || table.blocks.get(at).map(|block| format!("block {}", block + 1));
        let mut row = RowLayout {
            id: label.text.clone(),
            label: label.text.clone(),
            quoted: header.quoted.contains(&label.text),
            method: header.methods.get(&label.text).cloned(),
            block: named.map(|(name, _)| name.clone()).or_else(inferred),
            ..RowLayout::default()
        };
        // Bold from the row's name on is a row set in bold, not a mark of each of its values.
        let in_bold = label.best;
        for (cell, head) in cells.iter().zip(&table.head).skip(1) {
            let text = cell.text.trim_end_matches('%').trim_end();
            if text.is_empty() || DASHES.contains(&text) {
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
        if in_bold && row.best.len() == row.printed.len() + row.averages.len() {
            row.best.clear();
        }
        rows.push(row);
    }
    rows
}
