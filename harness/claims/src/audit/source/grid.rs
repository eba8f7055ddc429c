//! Tables as text: CSV and Markdown.

use std::iter::repeat;

use super::{Document, SourceError};

/// A cell's text and marks, and where it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TextCell {
    pub(super) text: String,
    pub(super) best: bool,
    pub(super) second: bool,
    /// Whether the text of a cell further left spans this one too.
    pub(super) spanned: bool,
    /// Byte in the file.
    pub(super) offset: usize,
}

/// A table of text; all rows are as long as the head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TextTable {
    pub(super) head: Vec<TextCell>,
    pub(super) rows: Vec<Vec<TextCell>>,
    /// The block of each row, from 0; empty where there are no blocks.
    pub(super) blocks: Vec<usize>,
}

/// What stands where nothing is printed.
pub(super) const DASHES: [&str; 6] = ["-", "--", "---", "–", "—", "n/a"];

impl TextTable {
    /// A table from its lines, the first of which is the head; `blocks` has the block of each of the others, or nothing.
    /// A row with dashes only, which says that nothing is printed, is left out.
    pub(super) fn new(
        document: Document<'_>,
        mut lines: Vec<Vec<TextCell>>,
        blocks: &[usize],
    ) -> Result<Self, Vec<SourceError>> {
        if lines.len() < 2 {
            let message = "holds no table: there are no rows below a line of column names";
            return Err(vec![SourceError::at(document.file, document.text, 0, message)]);
        }
        let rows = lines.split_off(1);
        let head = lines.pop().unwrap_or_default();
        let ragged = rows.iter().filter(|row| row.len() != head.len()).map(|row| {
            let offset = row.first().map_or(0, |cell| cell.offset);
            let message = format!("the row has {} cells, the line of column names {}", row.len(), head.len());
            SourceError::at(document.file, document.text, offset, message)
                .help("leave a cell empty where nothing is printed")
        });
        let errors: Vec<SourceError> = ragged.collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let dashes = |row: &[TextCell]| row.iter().skip(1).all(|cell| DASHES.contains(&cell.text.as_str()));
        let (mut table, blocks) =
            (Self { head, ..Self::default() }, blocks.iter().map(Some).chain(repeat(None)));
        for (row, block) in rows.into_iter().zip(blocks).filter(|(row, _)| row.len() < 2 || !dashes(row)) {
            table.rows.push(row);
            table.blocks.extend(block);
        }
        Ok(table)
    }
}

/// A cell of Markdown or CSV: `**x**` and `<b>x</b>` are marks of the best, `<u>x</u>` and `__x__` of the
/// second best; `*x*`, `_x_` and `` `x` `` mark nothing.
fn marked(text: &str, offset: usize) -> TextCell {
    let mut cell = TextCell { text: text.trim().to_owned(), offset, ..TextCell::default() };
    let pairs = [
        ("**", "**", Some(true)),
        ("<b>", "</b>", Some(true)),
        ("<u>", "</u>", Some(false)),
        ("__", "__", Some(false)),
        ("*", "*", None),
        ("_", "_", None),
        ("`", "`", None),
    ];
    while let Some((inner, best)) = pairs.iter().find_map(|(open, close, best)| {
        let inner = cell.text.strip_prefix(open)?.strip_suffix(close)?;
        Some((inner.trim().to_owned(), *best))
    }) {
        cell.best |= best == Some(true);
        cell.second |= best == Some(false);
        cell.text = inner;
    }
    cell
}

/// What separates the cells: of a comma, a semicolon and a tab the one that occurs most in the first line.
fn delimiter(body: &str) -> u8 {
    let line = body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| line.bytes().filter(|byte| *byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// Reads CSV from byte `from` on, with commas, semicolons or tabs between the cells; the first record holds the names of the columns.
pub(super) fn csv(document: Document<'_>, from: usize) -> Result<TextTable, Vec<SourceError>> {
    let body = document.text.get(from..).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(body))
        .from_reader(body.as_bytes());
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let at = error.position().map_or(0, |position| position.byte() as usize);
            vec![SourceError::at(document.file, document.text, from + at, error.to_string())]
        })?;
        let start = from + record.position().map_or(0, |position| position.byte() as usize);
        // The position of a record is the end of the one before, so that line breaks come first.
        let skipped = document.text.get(start..).map_or(0, |rest| rest.len() - rest.trim_start().len());
        let mut offset = start + skipped;
        let mut cells = Vec::new();
        for field in &record {
            let quoted = document.text.get(offset..).is_some_and(|rest| rest.starts_with('"'));
            cells.push(marked(field, offset + usize::from(quoted)));
            // Quotes inside a quoted field stand twice; a comma follows.
            offset += field.len() + if quoted { 2 + field.matches('"').count() } else { 0 } + 1;
        }
        lines.push(cells);
    }
    TextTable::new(document, lines, &[])
}

/// Reads the one pipe table of a Markdown text, from byte `from` on.
pub(super) fn markdown(document: Document<'_>, from: usize) -> Result<TextTable, Vec<SourceError>> {
    let mut lines = Vec::new();
    let mut offset = from;
    let mut ended = false;
    for line in document.text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let is_row = line.trim_start().starts_with('|');
        match (is_row, ended, lines.is_empty()) {
            (true, true, _) => {
                let message = "a second table begins here";
                let error = SourceError::at(document.file, document.text, offset, message);
                return Err(vec![error.help("give each table a file of its own")]);
            }
            (true, false, _) => lines.push(pipes(line, offset)),
            (false, false, false) => ended = true,
            _ => {}
        }
        offset += line.len();
    }
    let rule =
        |cell: &TextCell| !cell.text.is_empty() && cell.text.trim_matches(':').chars().all(|c| c == '-');
    if lines.get(1).is_some_and(|line| line.iter().all(rule)) {
        lines.remove(1);
    } else if let Some(first) = lines.first().and_then(|line| line.first()) {
        let message = "the line below the column names is not `| --- | --- |`";
        return Err(vec![SourceError::at(document.file, document.text, first.offset, message)]);
    }
    TextTable::new(document, lines, &[])
}

/// The cells of a line of a pipe table; `\|` does not separate cells.
fn pipes(line: &str, offset: usize) -> Vec<TextCell> {
    let mut cells = Vec::new();
    let indent = line.len() - line.trim_start().len();
    let inner = line.trim();
    let inner = inner.strip_prefix('|').unwrap_or(inner);
    let closed = inner.ends_with('|') && !inner.ends_with("\\|");
    let inner = if closed { &inner[..inner.len() - 1] } else { inner };
    let (mut start, mut escaped) = (0, false);
    let base = offset + indent + 1;
    let cell = |from: usize, to: usize| {
        let text = &inner[from..to];
        let lead = text.len() - text.trim_start().len();
        marked(&text.replace("\\|", "|"), base + from + lead)
    };
    for (at, byte) in inner.bytes().enumerate() {
        if byte == b'|' && !escaped {
            cells.push(cell(start, at));
            start = at + 1;
        }
        escaped = byte == b'\\' && !escaped;
    }
    cells.push(cell(start, inner.len()));
    cells
}
