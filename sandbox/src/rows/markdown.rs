//! Fenced blocks in what a model wrote, by the rule of the judge `assay`, which `docs/judging.md` states.

use super::python::{
    common_indentation, defines, does_nothing, is_program, is_transcript, looks_like_python, typed,
    without_common_indentation,
};
use super::reply::{Found, INVISIBLE};

/// Labels of blocks that may hold a program of any language, in small letters.
const PLAIN: [&str; 6] = ["", "code", "solution", "answer", "text", "plaintext"];
/// Labels of blocks that hold text with blocks of its own.
const NESTING: [&str; 2] = ["markdown", "md"];
/// What tools write behind the label of a block.
const ATTRIBUTES: [&str; 6] = ["title=", "filename=", "file=", "name=", "linenums", "hl_lines="];
/// Backquotes from which on an unlabelled block may hold text with blocks of its own.
const NESTING_LENGTH: usize = 4;

/// A fenced block.
pub(super) struct Block {
    /// The first word behind its fence, in small letters.
    label: String,
    /// Marks in its fence.
    length: usize,
    found: Found,
}

impl Block {
    fn is_python(&self) -> bool {
        self.label.starts_with("py") && !["pycon", "pytb"].contains(&self.label.as_str())
    }

    fn is_plain(&self) -> bool {
        PLAIN.contains(&self.label.as_str())
    }

    fn is_transcript(&self) -> bool {
        is_transcript(&self.found.text)
    }

    /// Whether it may hold text with blocks of its own.
    fn is_nesting(&self) -> bool {
        let is_outer = self.length >= NESTING_LENGTH && self.is_plain();
        NESTING.contains(&self.label.as_str()) || (is_outer && !looks_like_python(&self.found.text))
    }

    /// Whether it is said to be Python, or is a program and says nothing.
    fn is_program(&self) -> bool {
        self.is_python() || (self.is_plain() && is_program(&self.found.text))
    }

    /// Whether it defines one of these names, and may be Python.
    fn defines(&self, names: &[String]) -> bool {
        (self.is_python() || self.is_plain()) && defines(&self.found.text, names)
    }
}

/// The last block that defines one of these names; else the last one that is said to be Python, or that says nothing and
/// is; else the last one that says nothing; else the last one. Blocks that do nothing do not count, and transcripts only
/// where no block may be Python.
pub(super) fn best(mut blocks: Vec<Block>, names: &[String]) -> Option<Found> {
    blocks.retain(|block| !does_nothing(&block.found.text));
    let last = |wanted: &dyn Fn(&Block) -> bool| {
        blocks.iter().rposition(|block| !block.is_transcript() && wanted(block))
    };
    let index = last(&|block| block.defines(names))
        .or_else(|| last(&Block::is_program))
        .or_else(|| last(&Block::is_plain))
        .or_else(|| blocks.iter().rposition(Block::is_transcript))
        .or_else(|| blocks.len().checked_sub(1))?;
    let found = blocks.swap_remove(index).found;
    Some(if is_transcript(&found.text) { Found::from(typed(&found.text)) } else { found })
}

/// A line's fence.
#[derive(Clone, Copy)]
struct Fence<'a> {
    /// What stands before it.
    before: &'a str,
    mark: char,
    length: usize,
    /// What stands behind it.
    after: &'a str,
}

impl<'a> Fence<'a> {
    /// The first three or more backquotes of a line, or tildes that start it. Backquotes that are closed in
    /// the same line are no fence.
    fn of(line: &'a str) -> Option<Self> {
        let mark = ['`', '~'].into_iter().find(|mark| line.contains(&mark.to_string().repeat(3)))?;
        let at = line.find(&mark.to_string().repeat(3))?;
        let (before, rest) = line.split_at(at);
        let after = rest.trim_start_matches(mark);
        let fence = Fence { before, mark, length: rest.len() - after.len(), after: after.trim() };
        (!after.contains('`') && (mark == '`' || fence.starts_line())).then_some(fence)
    }

    /// Whether nothing but space and marks of quotations stands before it.
    fn starts_line(&self) -> bool {
        self.before.chars().all(|c| c == '>' || c.is_whitespace() || INVISIBLE.contains(&c))
    }

    /// Characters of space before it, behind the marks of quotations.
    fn indent(&self) -> usize {
        let space = self.before.rsplit('>').next().unwrap_or_default();
        if self.starts_line() { space.chars().filter(|c| c.is_whitespace()).count() } else { 0 }
    }

    fn quotes(&self) -> usize {
        if self.starts_line() { self.before.matches('>').count() } else { 0 }
    }

    /// The word behind it, and what follows that.
    fn label(&self) -> (&'a str, &'a str) {
        let text = self.after.trim_start_matches(['{', '.']);
        let end = text.find(|c: char| !(c.is_alphanumeric() || "_+#-".contains(c))).unwrap_or(text.len());
        text.split_at(end)
    }

    /// The first line of a program that stands behind the fence, if one does.
    fn first_line(&self) -> Option<&'a str> {
        let (_, rest) = self.label();
        let is_attribute = ATTRIBUTES.iter().any(|name| rest.trim_start().starts_with(name));
        let behind_label = (rest.starts_with(char::is_whitespace) && !is_attribute).then(|| rest.trim());
        behind_label.into_iter().chain([self.after]).find(|text| looks_like_python(text))
    }

    /// Whether a block can start here: behind other text only with a single word or none.
    fn opens(&self) -> bool {
        self.starts_line() || self.label().1.is_empty()
    }

    /// Whether a block with this fence ends here. As in Markdown, a fence that stands four columns deeper is
    /// part of the block, and so is a shorter one.
    fn closes(&self, open: &Fence<'_>) -> bool {
        self.mark == open.mark
            && self.length >= open.length
            && self.starts_line()
            && self.indent() < open.indent() + 4
    }

    /// Whether it says what language follows.
    fn names_a_language(&self) -> bool {
        let (label, rest) = self.label();
        !label.is_empty() && rest.is_empty()
    }

    /// Whether it ends a block in the line of its last statement.
    fn closes_behind_code(&self, open: &Fence<'_>) -> bool {
        self.mark == open.mark
            && self.length >= open.length
            && self.after.is_empty()
            && !self.starts_line()
            && !self.before.contains(['"', '\'', '#'])
    }
}

/// The fenced blocks of a text, the last one closed or not. A block of Markdown stands for those in it.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let inner = |block: Block| {
        let inner = if block.is_nesting() { plain_blocks(&block.found.text) } else { Vec::new() };
        if inner.is_empty() { vec![block] } else { inner }
    };
    plain_blocks(text).into_iter().flat_map(inner).collect()
}

fn plain_blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader { blocks: Vec::new(), open: None, lines: Vec::new(), outside: Vec::new() };
    for line in text.split('\n') {
        reader.line(line);
    }
    reader.end()
}

struct Reader<'a> {
    blocks: Vec<Block>,
    open: Option<Fence<'a>>,
    /// Lines of the open block.
    lines: Vec<&'a str>,
    /// Lines since the last block.
    outside: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        match (self.open, Fence::of(line)) {
            (None, Some(fence)) if fence.opens() => {
                if self.blocks.is_empty() && fence.after.is_empty() && self.opened_before() {
                    // The prompt opened the block, and this closes it.
                    return;
                }
                self.start(fence);
            }
            (None, _) => self.outside.push(line),
            (Some(open), Some(fence)) if fence.closes(&open) => {
                self.close(open);
                // The block before was never closed.
                if fence.names_a_language() {
                    self.start(fence);
                }
            }
            (Some(open), Some(fence)) if fence.closes_behind_code(&open) => {
                self.lines.push(fence.before);
                self.close(open);
            }
            (Some(_), _) => self.lines.push(line),
        }
    }

    fn start(&mut self, fence: Fence<'a>) {
        self.lines.extend(fence.first_line());
        self.open = Some(fence);
    }

    fn close(&mut self, open: Fence<'a>) {
        self.open = None;
        self.outside.clear();
        let label = if open.first_line() == Some(open.after) { "" } else { open.label().0 };
        let text = without_fence(&std::mem::take(&mut self.lines), &open);
        let found = Found {
            indentation: common_indentation(&text).to_owned(),
            text: without_common_indentation(&text).trim_start_matches(INVISIBLE).to_owned(),
        };
        self.blocks.push(Block { label: label.to_lowercase(), length: open.length, found });
    }

    /// Takes the lines outside for a block if they are a program.
    fn opened_before(&mut self) -> bool {
        let mut lines = self.outside.as_slice();
        // The rest of a fence that the prompt began.
        if let [first, rest @ ..] = lines
            && ["python", "py", "python3"].contains(&first.trim())
        {
            lines = rest;
        }
        let text = lines.join("\n").trim_start_matches(INVISIBLE).to_owned();
        let found = is_program(&text);
        if found {
            self.blocks.push(Block { label: String::new(), length: 0, found: Found::from(text) });
            self.outside.clear();
        }
        found
    }

    fn end(mut self) -> Vec<Block> {
        if let Some(open) = self.open {
            let nothing = self.lines.iter().all(|line| line.trim().is_empty());
            // A fence with nothing behind it closes what is before it.
            if !(nothing && open.after.is_empty() && self.opened_before()) {
                self.close(open);
            }
        }
        self.blocks
    }
}

/// The lines of a block without the marks of quotations and the indentation of its fence.
fn without_fence(lines: &[&str], fence: &Fence<'_>) -> String {
    let lines = lines.iter().map(|line| {
        let mut rest = *line;
        for _ in 0..fence.quotes() {
            let Some(quoted) = rest.trim_start().strip_prefix('>') else { break };
            rest = quoted.strip_prefix(' ').unwrap_or(quoted);
        }
        let spaces = rest.char_indices().take(fence.indent()).take_while(|(_, c)| matches!(c, ' ' | '\t'));
        &rest[spaces.count()..]
    });
    lines.collect::<Vec<_>>().join("\n")
}
