//! Places: where in a file something stands that was read from it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable};

use super::{Document, SourceError};

/// Files whose bytes are numbered one file after the other, so that a number alone names the file and the place in it.
pub(super) struct Files<'a> {
    /// Each with the number of its first byte, in rising order.
    files: Vec<(usize, Document<'a>)>,
}

impl<'a> Files<'a> {
    pub(super) fn new(documents: impl IntoIterator<Item = Document<'a>>) -> Self {
        let mut start = 0;
        let numbered = documents.into_iter().map(|document| {
            let first = start;
            // One more than there are bytes, since a mistake may stand at the end of a file.
            start += document.text.len() + 1;
            (first, document)
        });
        Self { files: numbered.collect() }
    }

    /// The texts, each moved to the right by spaces until its bytes have their numbers: whatever reads them gives places
    /// in these numbers.
    pub(super) fn moved(&self) -> Vec<String> {
        self.files.iter().map(|(start, document)| " ".repeat(*start) + document.text).collect()
    }

    /// An error at a byte.
    pub(super) fn error(&self, byte: usize, message: impl Into<String>) -> SourceError {
        let (start, document) = self.file(byte);
        SourceError::at(document.file, document.text, byte - start, message)
    }

    /// The byte at which byte `offset` of the content of a string stands that begins, with its quotes, at byte `string`.
    pub(super) fn inside(&self, string: usize, offset: usize) -> usize {
        let (start, document) = self.file(string);
        string + inside(document.text.get(string - start..).unwrap_or_default(), offset)
    }

    fn file(&self, byte: usize) -> (usize, Document<'a>) {
        let before = self.files.iter().rev().find(|(start, _)| *start <= byte);
        before.copied().unwrap_or((byte, Document { file: "", text: "" }))
    }
}

/// The byte of `raw`, a string of TOML from its quotes on, at which byte `offset` of its content stands.
fn inside(raw: &str, offset: usize) -> usize {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| raw.starts_with(quotes));
    let mut at = quotes.map_or(0, str::len);
    if at == 3 {
        // A line break right after three quotes is no content.
        let rest = &raw[at..];
        at += ["\r\n", "\n"].into_iter().find(|end| rest.starts_with(end)).map_or(0, str::len);
    }
    let mut content = 0;
    while content < offset {
        let Some(first) = raw[at..].chars().next() else { break };
        let (written, means) = match first {
            '\\' if !raw.starts_with('\'') => escape(&raw[at..]),
            _ => (first.len_utf8(), first.len_utf8()),
        };
        at += written;
        content += means;
    }
    at
}

/// The bytes of the escape that a text begins with, and of what it stands for.
fn escape(text: &str) -> (usize, usize) {
    let digits = match text.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        // A line break and the white space after it stand for nothing.
        Some(b'\n' | b'\r' | b' ' | b'\t') => return (text.len() - text[1..].trim_start().len(), 0),
        Some(_) => return (2, 1),
        None => return (1, 1),
    };
    let number = text.get(2..2 + digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    (2 + digits, number.and_then(char::from_u32).map_or(1, char::len_utf8))
}

/// A step of a path.
#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// The steps of a path such as `rows[2].printed.MATH500`.
pub(super) fn steps(path: &str) -> Vec<Step<'_>> {
    let (mut steps, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        let (step, after) = first_step(rest);
        steps.push(step);
        rest = after;
    }
    steps
}

fn first_step(path: &str) -> (Step<'_>, &str) {
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

/// The bytes of the value at the end of a path, or of its key. If there is none, those of the deepest list or table on
/// the path.
pub(super) fn place(root: &Spanned<DeTable<'_>>, path: &[Step<'_>], key: bool) -> Range<usize> {
    let mut span = root.span();
    let mut table = Some(root.get_ref());
    let mut list = None;
    for (at, step) in path.iter().enumerate() {
        let next = match step {
            Step::Key(name) => {
                let Some((found, value)) = table.and_then(|t| t.get_key_value(*name)) else { break };
                if key && at + 1 == path.len() {
                    return found.span();
                }
                value
            }
            Step::Index(at) => {
                let Some(value) = list.and_then(|list: &DeArray<'_>| list.get(*at)) else { break };
                value
            }
        };
        span = next.span();
        (table, list) = (next.get_ref().as_table(), next.get_ref().as_array());
    }
    span
}
