//! The program in what a model wrote, by the rule of the judge `assay`, which `docs/judging.md` states.

use std::sync::LazyLock;

use regex::Regex;

use super::python::{is_program, looks_like_python};

/// What ends a model's thinking.
const THOUGHT_ENDS: [&str; 6] =
    ["</think>", "</thinking>", "</thought>", "</reasoning>", "<|end_of_thought|>", "[/THINK]"];
/// Labels of blocks that may hold a program of any language, in small letters.
const PLAIN: [&str; 6] = ["", "code", "solution", "answer", "text", "plaintext"];
/// Labels of blocks that hold text with blocks of its own.
const NESTING: [&str; 2] = ["markdown", "md"];
/// What tools write behind the label of a block.
const ATTRIBUTES: [&str; 6] = ["title=", "filename=", "file=", "name=", "linenums", "hl_lines="];
/// Characters that nobody sees and that are no part of a program.
const INVISIBLE: [char; 5] = ['\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}'];

/// What some models end a text with, such as `<|im_end|>`; what follows the mark of a turn's end is somebody else's.
static TEXT_END: LazyLock<Regex> = LazyLock::new(|| {
    let marks = r"<[|｜][^|｜>\s]{1,40}[|｜]>|</s>|<end_of_turn>|<eos>|<pad>|<EOT>|\[EOS\]|\[/INST\]";
    let turns =
        r"<\|im_end\|>|<\|eot_id\|>|<\|endoftext\|>|<\|end_of_text\|>|<end_of_turn>|<｜end▁of▁sentence｜>";
    let others = r"\s*(?:\n|<\||<start_of_turn>|(?i:human|user):)[^`]*";
    let pattern = format!(r"(?:\s*(?:{marks}))+\s*\z|(?:{turns}){others}\z");
    Regex::new(&pattern).expect("a pattern of this crate is valid")
});

/// The program in a generation.
pub(super) fn program(generation: &str) -> String {
    let text = TEXT_END.find(generation).map_or(generation, |end| &generation[..end.start()]);
    let answer = after_thought(text);
    if let Some(program) = best(blocks(answer)).or_else(|| in_one_line(answer)) {
        return program;
    }
    if looks_like_python(answer) || answer.len() == text.len() {
        return answer.trim_start_matches(INVISIBLE).trim_start_matches('\n').to_owned();
    }
    best(blocks(text)).unwrap_or_else(|| answer.to_owned())
}

/// What follows the last end of a thought that starts or ends a line; without one, all.
fn after_thought(text: &str) -> &str {
    let mut after = 0;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for mark in THOUGHT_ENDS {
            if line.trim_start().starts_with(mark) {
                after = start + line.len() - line.trim_start().len() + mark.len();
            } else if line.trim_end().ends_with(mark) {
                after = start + line.len();
            }
        }
        start += line.len();
    }
    &text[after..]
}

/// A fenced block.
struct Block {
    /// The first word behind its fence, in small letters.
    label: String,
    text: String,
}

impl Block {
    fn is_python(&self) -> bool {
        self.label.starts_with("py") && !["pycon", "pytb"].contains(&self.label.as_str())
    }

    fn is_plain(&self) -> bool {
        PLAIN.contains(&self.label.as_str())
    }
}

/// The last block that is said to be Python, or that says nothing and is; else the last one that says nothing;
/// else the last one. Blocks that hold nothing do not count.
fn best(mut blocks: Vec<Block>) -> Option<String> {
    blocks.retain(|block| !block.text.trim().is_empty());
    let last = |wanted: &dyn Fn(&Block) -> bool| blocks.iter().rposition(wanted);
    let index = last(&|block| block.is_python() || (block.is_plain() && is_program(&block.text)))
        .or_else(|| last(&Block::is_plain))
        .or_else(|| blocks.len().checked_sub(1))?;
    Some(blocks.swap_remove(index).text)
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
fn blocks(text: &str) -> Vec<Block> {
    let inner = |block: Block| {
        let is_nesting = NESTING.contains(&block.label.as_str());
        let inner = if is_nesting { plain_blocks(&block.text) } else { Vec::new() };
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
        let text = without_indentation(&std::mem::take(&mut self.lines), &open);
        let text = text.trim_start_matches(INVISIBLE).to_owned();
        self.blocks.push(Block { label: label.to_lowercase(), text });
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
            self.blocks.push(Block { label: String::new(), text });
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

/// The lines of a block without the marks of quotations and the indentation of its fence, and without what
/// indentation they still have in common.
fn without_indentation(lines: &[&str], fence: &Fence<'_>) -> String {
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| {
            let mut rest = *line;
            for _ in 0..fence.quotes() {
                let Some(quoted) = rest.trim_start().strip_prefix('>') else { break };
                rest = quoted.strip_prefix(' ').unwrap_or(quoted);
            }
            let spaces =
                rest.char_indices().take(fence.indent()).take_while(|(_, c)| matches!(c, ' ' | '\t'));
            &rest[spaces.count()..]
        })
        .collect();
    let indentation = |line: &&str| {
        let text = line.trim_start_matches([' ', '\t']);
        (!text.trim().is_empty()).then(|| line.len() - text.len())
    };
    let common = lines.iter().filter_map(indentation).min().unwrap_or(0);
    let dedented: Vec<&str> =
        lines.iter().map(|line| line.get(common..).unwrap_or_else(|| line.trim_start())).collect();
    dedented.join("\n")
}

/// The last program between backquotes in one line.
fn in_one_line(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("```")?;
        let (code, _) = rest.split_once("```")?;
        let words = code.split_once(char::is_whitespace);
        let code = words.filter(|(label, _)| label.starts_with("py")).map_or(code, |(_, code)| code);
        is_program(code.trim()).then(|| code.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "n = int(input())\nprint(n * 2)";

    #[test]
    fn a_program_is_found_however_its_block_is_fenced() {
        let cases = [
            "Do this: ```python\n{}\n```\nDone.",
            "1. ```py\n{}\n```",
            "\u{feff}```python\n{}\n```",
            "text\n\u{200b}```\n{}\n```",
            "~~~~ python\n{}\n~~~~~\n",
            "> ```python\n{>}\n> ```",
            "- a\n\n  ```python\n{  }\n  ```\n",
            "```python\n{    }\n```",
            "```python\n{}```\nDone.",
            "```python {.numberLines}\n{}\n```",
            "{}\n```",
            "python\n{}\n```\nIt doubles.",
            "```python\n{}<|im_end|>",
            "```python\n{}\n```<|im_end|>\n<|im_start|>user\nAnd now?",
            "{}\n<|eot_id|><|start_header_id|>user<|end_header_id|>",
            "{}\n<|endoftext|>Human: again",
            "{}<end_of_turn>\n<eos>",
            "{}\n[EOS]",
            "{}<｜end▁of▁sentence｜>",
            "```python title=\"a.py\" linenums\n{}\n```",
            "````markdown\n# Doubling\n```python\n{}\n```\n````\n",
            "```python\r\n{}\r\n```\r\n",
            "```python\n{}\n```\nOutput:\n```\n8\n```",
            "```python\n{}\n```\nInstall:\n```bash\npip install x\n```",
            "```python\n{}\n```\n``",
            "```\nno\n```\n```python\n{}\n```\n```\n",
        ];
        for case in cases {
            let mut text = case.to_owned();
            for (place, indent) in [("{}", ""), ("{>}", "> "), ("{  }", "  "), ("{    }", "    ")] {
                let lines: Vec<String> = PROGRAM.lines().map(|line| format!("{indent}{line}")).collect();
                text = text.replace(place, &lines.join("\n"));
            }
            assert_eq!(program(&text).trim(), PROGRAM, "{text}");
        }
    }

    #[test]
    fn what_was_thought_counts_where_there_is_no_other_program() {
        let thought = "<think>\n```python\nprint(0)\nno\n</think>\n";
        for end in ["</think>", "<|end_of_thought|>", "</thinking>"] {
            let text = format!("{}\n```\n{PROGRAM}\n```", thought.replace("</think>", end));
            assert_eq!(program(&text), PROGRAM);
        }
        assert_eq!(program(&format!("{thought}{PROGRAM}")), PROGRAM);
        assert_eq!(program(&format!("<think>a</think>```python\n{PROGRAM}\n```")), PROGRAM);
        assert_eq!(program(&format!("<think>\n```\n{PROGRAM}\n```\n</think>\nAs above.")), PROGRAM);
        // Without an end of the thought a language starts a new block.
        let text = format!("First:\n```python\nprint(0)\nNo.\n\n```python\n{PROGRAM}\n```");
        assert_eq!(program(&text), PROGRAM);
        let text = format!("```python\nprint(0)\nNo. Better:\n```\n{PROGRAM}\n```");
        assert_eq!(program(&text), PROGRAM);
    }

    #[test]
    fn a_fence_in_a_program_is_part_of_it() {
        let doc = "def f(n):\n    \"\"\"\n    ```\n    f(4)\n    ```\n    \"\"\"\n    return n";
        for text in [format!("```python\n{doc}\n```"), format!("````\n{doc}\n````")] {
            assert_eq!(program(&text), doc);
        }
        let text = "s = '''\n```\n'''";
        assert_eq!(program(&format!("````python\n{text}\n````")), text);
        assert_eq!(program(&format!("~~~python\n{text}\n~~~")), text);
    }

    #[test]
    fn a_program_in_one_line_is_found_where_there_is_no_block() {
        assert_eq!(program("Use ```python print(int(input()) * 2)```."), "print(int(input()) * 2)");
        assert_eq!(program("```print(1)\nprint(2)\n```"), "print(1)\nprint(2)");
        assert_eq!(program("```python print(1)\nprint(2)\n```"), "print(1)\nprint(2)");
    }
}
