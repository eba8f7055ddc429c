//! Tables of papers, read from files: TOML as in recipes; CSV, Markdown and LaTeX with a header.
//!
//! A header is TOML, in a file of its own or between two lines `+++` at the start of the table's file:
//!
//! ```toml
//! title = "Accuracy on two benchmarks"
//! questions = { birds = 40, fish = 120 }   # or one number for all columns
//! samples = 4                              # samples a question, the k of Avg@k
//! decimals = 2                             # of every percentage
//! rounding = "once"                        # or "runs", "truncation"
//! groups = { average = ["birds", "fish"] } # a column of averages, and what it averages
//! units = { length = "tokens" }            # columns that hold no percentages
//! lower_is_better = ["length"]
//! quoted = ["Another team's row"]
//! methods = { Ours = "Owl, 7B" }           # the method of a row, where another table has it under another name
//! blocks = { small = ["Owl", "Cat"] }      # rows that marks of the best compare among each other
//! claims = [{ id = "C1", text = "Owls are better than cats", expression = "owl.average > cat.average" }]
//! gains = [{ id = "G1", text = "over 10 %", of = "owl.birds", over = "cat.birds", printed = "10", says = "over" }]
//! ```
//!
//! In LaTeX, lines with one text only and rules between rows make blocks too. A row that is set in bold from its name on
//! has no marks.
//!
//! A row's name is the text of its first cell. In claims it stands in double quotes, unless it is a plain name.

mod grid;
mod header;
mod latex;
mod places;
mod toml;

pub use self::toml::{Document, Values, read_toml};

use crate::table::Layout;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Values with commas, semicolons or tabs between them; the first line names the columns.
    Csv,
    /// A pipe table.
    Markdown,
    /// A `tabular`.
    Latex,
}

/// Reads a table with its header. Without `header`, the header is in the table's own file.
///
/// # Errors
/// What is wrong with the header, or everything that is wrong with the table.
pub fn read_text(
    format: Format,
    document: Document<'_>,
    header: Option<Document<'_>>,
) -> Result<Source, Vec<SourceError>> {
    let front = header::front_matter(document).map_err(|error| vec![error])?;
    let from = front.as_ref().map_or(0, |(_, from)| *from);
    let own = front.as_ref().map(|(text, _)| Document { file: document.file, text });
    let Some(header_document) = header.or(own) else {
        let error = SourceError::at(document.file, document.text, 0, "has no header");
        return Err(vec![error.help(
            "say `questions`, `samples` and the like in TOML between two lines `+++` at the start, or in a file for --header",
        )]);
    };
    let read = header::read(header_document)?;
    let table = match format {
        Format::Csv => grid::csv(document, from),
        Format::Markdown => grid::markdown(document, from),
        Format::Latex => latex::read(document, from),
    }?;
    header::source(document, read, &table)
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct SourceError {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, as a fragment.
    pub message: String,
    /// A likely remedy, as a fragment.
    pub help: Option<String>,
}

impl SourceError {
    /// An error at a byte of a text.
    pub(super) fn at(file: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// A table read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its title; empty where the file has none.
    pub title: String,
    /// Columns, rows, printed values and claims, free of mistakes.
    pub layout: Layout,
}
