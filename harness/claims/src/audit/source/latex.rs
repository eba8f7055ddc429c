//! Tables in LaTeX: one `tabular`, with the commands that tables of results use.
//!
//! `\textbf` marks the best value and `\underline` the second best. Rules, sizes, colours and citations are
//! left out; `\multicolumn` fills as many cells as it spans. Any other command is an error with its place.

use super::grid::{TextCell, TextTable};
use super::{Document, SourceError};

/// Commands without arguments that say nothing about values.
const BARE: [&str; 16] = [
    "toprule",
    "midrule",
    "bottomrule",
    "hline",
    "centering",
    "small",
    "footnotesize",
    "scriptsize",
    "tiny",
    "quad",
    "qquad",
    "hfill",
    "bfseries",
    "itshape",
    "newline",
    "arraybackslash",
];
/// Commands whose arguments say nothing about values.
const DROPPED: [&str; 12] = [
    "cmidrule",
    "cline",
    "addlinespace",
    "rowcolor",
    "cellcolor",
    "cite",
    "citep",
    "citet",
    "vspace",
    "hspace",
    "specialrule",
    "color",
];
/// Commands that show their last argument.
const SHOWN: [&str; 14] = [
    "textit",
    "emph",
    "texttt",
    "text",
    "textsc",
    "textsf",
    "textrm",
    "mathrm",
    "mathit",
    "makecell",
    "mbox",
    "rotatebox",
    "multirow",
    "textcolor",
];

/// Reads the one `tabular` of a text, from byte `from` on.
pub(super) fn read(document: Document<'_>, from: usize) -> Result<TextTable, Vec<SourceError>> {
    let mut lexer = Lexer { document, at: from };
    lexer.lines().map_err(|error| vec![error]).and_then(|lines| {
        let is_number = |cell: &TextCell| cell.text.trim_end_matches('%').parse::<f64>().is_ok();
        let first = lines.iter().position(|line| line.iter().skip(1).any(is_number)).unwrap_or(lines.len());
        // A line with one text only is a heading; the last other line above the values names the columns.
        let heading = |line: &Vec<TextCell>| line.iter().filter(|cell| !cell.text.is_empty()).count() <= 1;
        let head = lines.iter().take(first).rfind(|line| !heading(line)).cloned().into_iter();
        let values = lines.iter().skip(first).filter(|line| !heading(line)).cloned();
        TextTable::new(document, head.chain(values).collect())
    })
}

struct Lexer<'d> {
    document: Document<'d>,
    at: usize,
}

impl<'d> Lexer<'d> {
    fn rest(&self) -> &'d str {
        self.document.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, at: usize, message: impl Into<String>) -> SourceError {
        SourceError::at(self.document.file, self.document.text, at, message)
    }

    fn lines(&mut self) -> Result<Vec<Vec<TextCell>>, SourceError> {
        let begin = self.rest().find("\\begin{tabular").map(|found| self.at + found);
        let Some(begin) = begin else {
            return Err(self.error(self.at, "holds no `\\begin{tabular}`"));
        };
        self.at = begin + "\\begin".len();
        let name = self.braces()?;
        if name != "tabular" {
            self.braces()?;
        }
        self.optional();
        self.braces()?;
        let mut lines = Vec::new();
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
                self.optional();
                push(&mut line, cell);
                lines.push(std::mem::take(&mut line));
                cell = self.fresh();
            } else if next == '&' {
                self.at += 1;
                push(&mut line, cell);
                cell = self.fresh();
            } else {
                let span = self.piece(&mut cell)?;
                // The text of a `\multicolumn` stands in the first of its cells.
                for _ in 1..span {
                    push(&mut line, std::mem::replace(&mut cell, self.fresh()));
                }
            }
        }
        push(&mut line, cell);
        lines.push(line);
        lines.retain(|line| line.iter().any(|cell| !cell.text.is_empty()));
        Ok(lines)
    }

    fn fresh(&self) -> TextCell {
        TextCell { offset: self.at, ..TextCell::default() }
    }

    /// Reads one character, group or command into a cell; the number of cells that it fills.
    fn piece(&mut self, cell: &mut TextCell) -> Result<usize, SourceError> {
        let rest = self.rest();
        let Some(next) = rest.chars().next() else { return Ok(1) };
        match next {
            '%' => self.at += rest.find('\n').map_or(rest.len(), |end| end + 1),
            '$' | '}' | '{' => self.at += 1,
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
            _ if DROPPED.contains(&name) || SHOWN.contains(&name) => {
                let mut last = None;
                loop {
                    self.optional();
                    if !self.rest().starts_with('{') {
                        break;
                    }
                    last = Some(self.group()?);
                }
                if let Some(content) = last.filter(|_| SHOWN.contains(&name)) {
                    cell.text.push_str(&content.text);
                    (cell.best, cell.second) = (cell.best | content.best, cell.second | content.second);
                }
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

    /// The content of the braces that stand here.
    fn group(&mut self) -> Result<TextCell, SourceError> {
        let inner = self.braces()?;
        let mut inside = Lexer {
            document: Document { file: self.document.file, text: &self.document.text[..self.at - 1] },
            at: self.at - 1 - inner.len(),
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

    /// Skips `[..]` and `(..)`, the optional arguments that stand here.
    fn optional(&mut self) {
        for (open, close) in [('[', ']'), ('(', ')')] {
            let rest = self.rest();
            if let Some(end) = rest.find(close).filter(|_| rest.starts_with(open)) {
                self.at += end + 1;
            }
        }
    }
}

fn push(line: &mut Vec<TextCell>, mut cell: TextCell) {
    cell.text = cell.text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.push(cell);
}
