//! Lines of toned text: laid out without colour, painted at the end.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

use crate::model::Outcome;
use crate::plain::{one_line, visible};

/// Why a piece of text looks as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// A heading.
    Bold,
    /// What stands back: printed values, explanations.
    Dim,
    /// A outcome's mark and word.
    Outcome(Outcome),
}

impl Tone {
    /// The parameter of the ANSI sequence that turns the tone on.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("1"),
            Self::Dim | Self::Outcome(Outcome::NotAttempted | Outcome::NotTestable) => Some("2"),
            Self::Outcome(Outcome::Holds) => Some("32"),
            Self::Outcome(Outcome::Reversed) => Some("31"),
            Self::Outcome(Outcome::Smaller | Outcome::Open) => Some("33"),
        }
    }
}

/// A piece of one line.
pub(crate) type Span = (Tone, String);

/// The text so far.
pub(crate) struct Lines {
    width: usize,
    lines: Vec<Vec<Span>>,
}

impl Lines {
    pub(crate) fn new(width: usize) -> Self {
        Self { width, lines: Vec::new() }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// One line of one tone.
    pub(crate) fn push(&mut self, tone: Tone, text: String) {
        self.lines.push(vec![(tone, text)]);
    }

    /// One line of several tones.
    pub(super) fn spans(&mut self, spans: Vec<Span>) {
        self.lines.push(spans);
    }

    /// An empty line, unless there is one.
    pub(crate) fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Vec::new());
        }
    }

    /// A heading with an empty line before it.
    pub(crate) fn heading(&mut self, text: &str) {
        self.blank();
        self.wrap(Tone::Bold, text);
    }

    /// Running text, wrapped at the width.
    pub(crate) fn wrap(&mut self, tone: Tone, text: &str) {
        self.hang(Vec::new(), 0, tone, text);
    }

    /// An item of a list.
    pub(super) fn item(&mut self, mark: &str, text: &str) {
        self.hang(vec![(Tone::Plain, format!("{mark} "))], 2, Tone::Plain, text);
    }

    /// Running text behind something else: the first line begins with `start`, all are indented to `indent`,
    /// which is at least the width of `start`.
    pub(crate) fn hang(&mut self, start: Vec<Span>, indent: usize, tone: Tone, text: &str) {
        let mut start = start;
        for line in wrapped(text, self.width.saturating_sub(indent)) {
            let begun: usize = start.iter().map(|(_, text)| width(text)).sum();
            start.push((Tone::Plain, " ".repeat(indent.saturating_sub(begun))));
            start.push((tone, line));
            self.lines.push(std::mem::take(&mut start));
        }
    }

    /// A table. Lines that begin with `dim` and then go on stand back.
    pub(super) fn table(&mut self, table: &Table, dim: Option<&str>) {
        for line in table.lines() {
            let rest = dim.and_then(|start| line.strip_prefix(start));
            let back = rest.is_some_and(|rest| !rest.starts_with(' '));
            self.push(if back { Tone::Dim } else { Tone::Plain }, line);
        }
    }

    /// The text, painted or not, without space at the ends of lines.
    pub(crate) fn finish(self, colour: bool) -> String {
        let mut text = String::new();
        for line in self.lines {
            let last = line.iter().rposition(|(_, span)| !span.trim_end().is_empty());
            for (index, (tone, span)) in line.into_iter().enumerate() {
                let span = match last {
                    Some(last) if index < last => visible(&span),
                    Some(last) if index == last => visible(span.trim_end()),
                    _ => break,
                };
                match tone.code().filter(|_| colour) {
                    Some(code) => text.push_str(&format!("\u{1b}[{code}m{span}\u{1b}[0m")),
                    None => text.push_str(&span),
                }
            }
            text.push('\n');
        }
        text
    }
}

/// A table with a rule under its header, at most so wide.
pub(super) fn table(width: usize) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

/// Two spaces between the columns, which must be there already.
pub(super) fn spaced(table: &mut Table) {
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index < last { 2 } else { 0 }));
    }
}

/// The text in lines of at most this width.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width.max(1)).unwrap_or(u16::MAX));
    table.add_row([one_line(text)]);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 0));
    });
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Columns that a text of one line takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    let mut table = Table::new();
    table.add_row([text]);
    table.column_max_content_widths().first().map_or(0, |width| usize::from(*width))
}

/// The text with spaces behind it up to a width.
pub(super) fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}
