//! Tables in LaTeX: one `tabular`, with the commands that tables of results use.
//!
//! `\textbf`, `\bf` and `\bfseries` mark the best value, `\underline` the second best. Rules, sizes, colours, citations,
//! arrows and signs of footnotes are left out; `\multicolumn` fills as many cells as it spans. Any other command is an
//! error with its place. A command takes exactly its own arguments, so that a value after them is never lost with them.
//!
//! A rule between rows, and a line with one text only, begin a new block of rows.

use super::grid::{TextCell, TextTable};
use super::{Document, SourceError};

/// Commands without arguments that say nothing about values.
const BARE: [&str; 29] = [
    "centering",
    "small",
    "footnotesize",
    "scriptsize",
    "tiny",
    "normalsize",
    "quad",
    "qquad",
    "hfill",
    "itshape",
    "it",
    "em",
    "sc",
    "rm",
    "newline",
    "arraybackslash",
    "displaystyle",
    "noindent",
    "uparrow",
    "downarrow",
    "rightarrow",
    "dagger",
    "ddagger",
    "dag",
    "ddag",
    "star",
    "ast",
    "circ",
    "relax",
];
/// Commands that set what follows in bold.
const BOLD: [&str; 3] = ["bf", "bfseries", "boldmath"];
/// Rules from side to side.
const RULES: [&str; 4] = ["toprule", "midrule", "bottomrule", "hline"];
/// Commands whose arguments say nothing about values, with the number of these.
const DROPPED: [(&str, usize); 13] = [
    ("cmidrule", 1),
    ("cline", 1),
    ("addlinespace", 0),
    ("rowcolor", 1),
    ("cellcolor", 1),
    ("cite", 1),
    ("citep", 1),
    ("citet", 1),
    ("vspace", 1),
    ("hspace", 1),
    ("specialrule", 3),
    ("color", 1),
    ("footnotemark", 0),
];
/// Commands that show their last argument, with the number of these.
const SHOWN: [(&str, usize); 14] = [
    ("textit", 1),
    ("emph", 1),
    ("texttt", 1),
    ("text", 1),
    ("textsc", 1),
    ("textsf", 1),
    ("textrm", 1),
    ("mathrm", 1),
    ("mathit", 1),
    ("makecell", 1),
    ("mbox", 1),
    ("rotatebox", 2),
    ("multirow", 3),
    ("textcolor", 2),
];

/// The number of arguments of a command in a list.
fn arguments(list: &[(&str, usize)], name: &str) -> Option<usize> {
    list.iter().find(|(known, _)| *known == name).map(|(_, count)| *count)
}

/// Reads the one `tabular` of a text, from byte `from` on.
pub(super) fn read(document: Document<'_>, from: usize) -> Result<TextTable, Vec<SourceError>> {
    let mut lexer = Lexer { document, at: from, ruled: false };
    let lines = lexer.lines().map_err(|error| vec![error])?;
    let is_number = |cell: &TextCell| cell.text.trim_end_matches('%').parse::<f64>().is_ok();
    let first = lines.iter().position(|line| line.cells.iter().skip(1).any(is_number)).unwrap_or(lines.len());
    // A line with one text only is a heading; the last other line above the values names the columns.
    let heading = |line: &Line| {
        let mut filled = line.cells.iter().filter(|cell| !cell.text.is_empty());
        let alone = filled.next();
        filled.next().is_none() && !alone.is_some_and(is_number)
    };
    let (above, values) = lines.split_at(first);
    let mut rows = Vec::new();
    if let Some(at) = above.iter().rposition(|line| !heading(line)) {
        let before = at.checked_sub(1).and_then(|before| above.get(before));
        rows.push(spanned(above[at].cells.clone(), before));
    }
    let mut starts = Vec::new();
    let mut headed = false;
    for line in values {
        if heading(line) {
            headed = true;
            continue;
        }
        let start = if headed { Start::Heading } else { Start::of(line.ruled) };
        rows.push(line.cells.clone());
        starts.push(start);
        headed = false;
    }
    TextTable::new(document, rows, &blocks(&starts))
}

/// What stands between a row and the one before.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    Nothing,
    Rule,
    Heading,
}

impl Start {
    fn of(ruled: bool) -> Self {
        if ruled { Self::Rule } else { Self::Nothing }
    }
}

/// The block of each row. A single row between rules is no block: it belongs to the rows before it.
fn blocks(starts: &[Start]) -> Vec<usize> {
    let mut block = 0;
    let begins = |at: usize| starts.get(at).is_none_or(|start| *start != Start::Nothing);
    let block_of = |(at, start): (usize, &Start)| {
        let new = match start {
            Start::Heading => true,
            Start::Rule => !begins(at + 1),
            Start::Nothing => false,
        };
        block += usize::from(new && at > 0);
        block
    };
    starts.iter().enumerate().map(block_of).collect()
}

/// A line of cells.
struct Line {
    cells: Vec<TextCell>,
    /// Whether a rule stands between it and the line before.
    ruled: bool,
}

/// The names of the columns. Names that stand there several times get the heading above them, `Math P@1`.
fn spanned(mut names: Vec<TextCell>, above: Option<&Line>) -> Vec<TextCell> {
    let texts: Vec<String> = names.iter().map(|cell| cell.text.clone()).collect();
    let mut heading = "";
    for (at, cell) in above.iter().flat_map(|line| &line.cells).enumerate() {
        if !cell.spanned {
            heading = &cell.text;
        }
        let Some(name) = names.get_mut(at) else { break };
        let repeated = texts.iter().filter(|text| **text == name.text).count() > 1;
        if repeated && !name.text.is_empty() && !heading.is_empty() {
            name.text = format!("{heading} {}", name.text);
        }
    }
    names
}

struct Lexer<'d> {
    document: Document<'d>,
    at: usize,
    /// Whether a rule stood before the current line.
    ruled: bool,
}

impl<'d> Lexer<'d> {
    fn rest(&self) -> &'d str {
        self.document.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, at: usize, message: impl Into<String>) -> SourceError {
        SourceError::at(self.document.file, self.document.text, at, message)
    }

    fn lines(&mut self) -> Result<Vec<Line>, SourceError> {
        let begin = self.rest().find("\\begin{tabular").map(|found| self.at + found);
        let Some(begin) = begin else {
            return Err(self.error(self.at, "holds no `\\begin{tabular}`"));
        };
        self.at = begin + "\\begin".len();
        let name = self.braces()?;
        if name != "tabular" {
            self.braces()?;
        }
        self.optional('[', ']');
        self.braces()?;
        let mut lines: Vec<Line> = Vec::new();
        let mut line = Vec::new();
        let mut cell = self.fresh();
        loop {
            let rest = self.rest();
            let Some(next) = rest.chars().next() else {
                return Err(self.error(begin, "this `tabular` has no end"));
            };
            if rest.starts_with("\\end{") {
                break;
            }
            if let Some(after) = rest.strip_prefix("\\\\") {
                self.at = self.document.text.len() - after.len();
                self.optional('[', ']');
                push(&mut line, cell);
                let ruled = std::mem::take(&mut self.ruled);
                lines.push(Line { cells: std::mem::take(&mut line), ruled });
                cell = self.fresh();
            } else if next == '&' {
                self.at += 1;
                push(&mut line, cell);
                cell = self.fresh();
            } else {
                let span = self.piece(&mut cell)?;
                // The text of a `\multicolumn` stands in the first of its cells.
                for _ in 1..span {
                    let next = TextCell { spanned: true, ..self.fresh() };
                    push(&mut line, std::mem::replace(&mut cell, next));
                }
            }
        }
        push(&mut line, cell);
        lines.push(Line { cells: line, ruled: self.ruled });
        Ok(without_empty(lines))
    }

    fn fresh(&self) -> TextCell {
        TextCell { offset: self.at, ..TextCell::default() }
    }

    /// Reads one character, group or command into a cell; the number of cells that it fills.
    fn piece(&mut self, cell: &mut TextCell) -> Result<usize, SourceError> {
        let (start, rest) = (self.at, self.rest());
        let Some(next) = rest.chars().next() else { return Ok(1) };
        match next {
            '%' => self.at += rest.find('\n').map_or(rest.len(), |end| end + 1),
            '$' | '}' | '{' => self.at += 1,
            '^' => {
                self.at += 1;
                let raised = self.argument()?;
                if raised.text.chars().any(char::is_alphanumeric) {
                    return Err(self.error(start, "what is raised by `^` is not read: give the value alone"));
                }
            }
            '\\' => return self.command(cell),
            '~' | '\n' | '\t' | ' ' | '\r' => {
                self.at += 1;
                if cell.text.is_empty() { cell.offset = self.at } else { cell.text.push(' ') }
            }
            other => {
                self.at += other.len_utf8();
                cell.text.push(other);
            }
        }
        Ok(1)
    }

    fn command(&mut self, cell: &mut TextCell) -> Result<usize, SourceError> {
        let start = self.at;
        let after = self.rest().strip_prefix('\\').unwrap_or_default();
        let length = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let name = &after[..length];
        if name.is_empty() {
            // `\%` is a character, `\,` a space.
            let Some(character) = after.chars().next() else {
                return Err(self.error(start, "a backslash at the end of the file"));
            };
            self.at += 1 + character.len_utf8();
            cell.text.push(if "%&_#${}".contains(character) { character } else { ' ' });
            return Ok(1);
        }
        self.at += 1 + length;
        match name {
            "textbf" | "mathbf" | "underline" | "uline" => {
                let content = self.group()?;
                let best = name.ends_with("bf");
                cell.best |= best | content.best;
                cell.second |= !best | content.second;
                cell.offset = if cell.text.is_empty() { content.offset } else { cell.offset };
                cell.text.push_str(&content.text);
            }
            "multicolumn" => return self.multicolumn(start, cell),
            "pm" => return Err(self.error(start, "`\\pm` is not read: give the value alone")),
            _ if BARE.contains(&name) => {}
            _ if BOLD.contains(&name) => cell.best = true,
            _ if RULES.contains(&name) => self.ruled = true,
            _ if arguments(&DROPPED, name).is_some() => {
                self.arguments(arguments(&DROPPED, name).unwrap_or_default())?;
            }
            _ if arguments(&SHOWN, name).is_some() => {
                let content = self.arguments(arguments(&SHOWN, name).unwrap_or_default())?;
                cell.offset = if cell.text.is_empty() { content.offset } else { cell.offset };
                cell.text.push_str(&content.text);
                (cell.best, cell.second) = (cell.best | content.best, cell.second | content.second);
            }
            _ => {
                let error = self.error(start, format!("the command `\\{name}` is not known here"));
                return Err(error.help("replace it by the text that it stands for"));
            }
        }
        Ok(1)
    }

    /// Reads the arguments of a `\multicolumn` that begins at `start` into a cell; the number of cells that it fills.
    fn multicolumn(&mut self, start: usize, cell: &mut TextCell) -> Result<usize, SourceError> {
        let count = self.braces()?;
        let span = count.trim().parse().ok().filter(|span| (1..=100).contains(span));
        let Some(span) = span else {
            let message =
                format!("`\\multicolumn{{{count}}}` does not give a number of columns from 1 to 100");
            return Err(self.error(start, message));
        };
        self.braces()?;
        let content = self.group()?;
        cell.text.push_str(&content.text);
        (cell.best, cell.second) = (cell.best | content.best, cell.second | content.second);
        Ok(span)
    }

    /// Reads so many arguments, each with the optional ones before it; the content of the last.
    fn arguments(&mut self, count: usize) -> Result<TextCell, SourceError> {
        if let Some(starred) = self.rest().strip_prefix('*') {
            self.at = self.document.text.len() - starred.len();
        }
        self.optional('[', ']');
        self.optional('(', ')');
        let mut last = self.fresh();
        for _ in 0..count {
            self.optional('[', ']');
            last = self.group()?;
        }
        Ok(last)
    }

    /// What `^` raises: braces, a command or a character.
    fn argument(&mut self) -> Result<TextCell, SourceError> {
        if self.rest().starts_with('{') {
            return self.group();
        }
        let mut cell = self.fresh();
        self.piece(&mut cell)?;
        Ok(cell)
    }

    /// The content of the braces that stand here.
    fn group(&mut self) -> Result<TextCell, SourceError> {
        let inner = self.braces()?;
        let mut inside = Lexer {
            document: Document { file: self.document.file, text: &self.document.text[..self.at - 1] },
            at: self.at - 1 - inner.len(),
            ruled: false,
        };
        let mut cell = inside.fresh();
        while !inside.rest().is_empty() {
            inside.piece(&mut cell)?;
        }
        cell.text = cell.text.trim().to_owned();
        Ok(cell)
    }

    /// The text between the braces that stand here.
    fn braces(&mut self) -> Result<&'d str, SourceError> {
        let start = self.at;
        let rest = self.rest();
        if !rest.starts_with('{') {
            return Err(self.error(start, "expected `{`"));
        }
        let (mut depth, mut escaped) = (0usize, false);
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'{' if !escaped => depth += 1,
                b'}' if !escaped => depth -= 1,
                _ => {}
            }
            escaped = byte == b'\\' && !escaped;
            if depth == 0 {
                self.at += at + 1;
                return Ok(&rest[1..at]);
            }
        }
        Err(self.error(start, "this `{` is never closed"))
    }

    /// Skips the optional argument between `open` and `close`, if one stands here.
    fn optional(&mut self, open: char, close: char) {
        let rest = self.rest();
        if let Some(end) = rest.find(close).filter(|_| rest.starts_with(open)) {
            self.at += end + 1;
        }
    }
}

/// The lines that hold something. A rule above an empty line stands above the next.
fn without_empty(lines: Vec<Line>) -> Vec<Line> {
    let (mut kept, mut ruled) = (Vec::new(), false);
    for line in lines {
        ruled |= line.ruled;
        if line.cells.iter().any(|cell| !cell.text.is_empty()) {
            kept.push(Line { ruled: std::mem::take(&mut ruled), ..line });
        }
    }
    kept
}

fn push(line: &mut Vec<TextCell>, mut cell: TextCell) {
    cell.text = cell.text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.push(cell);
}
