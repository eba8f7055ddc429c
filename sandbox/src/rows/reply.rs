//! The program in what a model wrote, by the rule of the judge `assay`, which `docs/judging.md` states.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::markdown::{best, blocks};
use super::python::{
    common_indentation, is_program, is_transcript, looks_like_python, typed, without_common_indentation,
};
use super::turns::{own_turn, without_own_marks};

/// What ends a model's thinking, in any letters.
const THOUGHT_ENDS: [&str; 10] = [
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</scratchpad>",
    "</analysis>",
    "</seed:think>",
    "◁/think▷",
    "<|end_of_thought|>",
    "[/THINK]",
];
/// What stands between a model's thinking and its answer, wherever it stands in a line.
const ANSWER_START: &str = "<|channel|>final<|message|>";
/// Characters that nobody sees and that are no part of a program.
pub(super) const INVISIBLE: [char; 5] = ['\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}'];
/// Escapes of HTML; that of `&` itself is the last.
const ENTITIES: [(&str, &str); 7] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&amp;", "&"),
];

/// A first line that says what language follows, and what pages write beside it.
static LANGUAGE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\A\s*(?:python3?|py)[ \t]*:?(?:\s*(?:copy code|copy|edit))*[ \t]*\r?\n";
    Regex::new(pattern).expect("a pattern of this crate is valid")
});
/// What starts a program without a fence, at the start of a line; the first group, if it is HTML.
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    let html = r"<pre[^>\n]*>\s*(?:<code[^>\n]*>)?|<code[^>\n]*>";
    let others = r"<(?:answer|python|solution)>|\[PYTHON\]|\[BEGIN\]|<\|begin_of_solution\|>";
    Regex::new(&format!(r"(?im)^[ \t]*(?:({html})|{others})")).expect("a pattern of this crate is valid")
});
/// What ends such a program.
static TAG_END: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)</(?:pre|code|answer|python|solution)>|\[/PYTHON\]|\[DONE\]|<\|end_of_solution\|>";
    Regex::new(pattern).expect("a pattern of this crate is valid")
});
/// A program that is fenced as a text of Python's.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?ms)^'''(?:python3?|py)[ \t]*\r?\n(.*?)^'''[ \t]*\r?$")
        .expect("a pattern of this crate is valid")
});

/// A program that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The program.
    pub text: String,
    /// The indentation that all its lines had, and that it has no more.
    pub indentation: String,
}

impl From<String> for Found {
    fn from(text: String) -> Self {
        Found { text, indentation: String::new() }
    }
}

impl Found {
    /// The program with the indentation that it had.
    pub(super) fn indented(&self) -> String {
        let line = |line: &str| match line.trim() {
            "" => line.to_owned(),
            _ => [&self.indentation, line].concat(),
        };
        self.text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The program in a reply. `names` are those that it has to define, as far as they are known.
pub(super) fn program(reply: &str, names: &[String]) -> Found {
    let text = own_turn(reply);
    let answer = after_thought(text);
    let fenced = best(blocks(answer), names);
    if let Some(found) = fenced.or_else(|| quoted(answer)).or_else(|| in_one_line(answer)) {
        return found;
    }
    let bare = bare(answer);
    if looks_like_python(&bare.text) || answer.len() == text.len() {
        return bare;
    }
    best(blocks(text), names).unwrap_or(bare)
}

/// What follows the last end of a thought that starts or ends a line, or the start of the answer; without one, all.
fn after_thought(text: &str) -> &str {
    let is = |part: Option<&str>, mark: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(mark));
    let mut after = text.rfind(ANSWER_START).map_or(0, |at| at + ANSWER_START.len());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (head, tail) = (line.trim_start(), line.trim_end());
        for mark in THOUGHT_ENDS {
            if is(head.get(..mark.len()), mark) {
                after = after.max(start + line.len() - head.len() + mark.len());
            } else if is(tail.len().checked_sub(mark.len()).and_then(|at| tail.get(at..)), mark) {
                after = after.max(start + line.len());
            }
        }
        start += line.len();
    }
    &text[after..]
}

/// The last program between three quotes that name Python.
fn quoted(text: &str) -> Option<Found> {
    let code = QUOTED.captures_iter(text).last()?.get(1)?.as_str();
    (!code.trim().is_empty()).then(|| without_common_indentation(code).into())
}

/// The last program between backquotes in one line.
fn in_one_line(text: &str) -> Option<Found> {
    text.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("```")?;
        let (code, _) = rest.split_once("```")?;
        let words = code.split_once(char::is_whitespace);
        let code = words.filter(|(label, _)| label.starts_with("py")).map_or(code, |(_, code)| code);
        is_program(code.trim()).then(|| code.trim().to_owned().into())
    })
}

/// The program in an answer without a block: what stands in a tag, if the answer as a whole is none.
fn bare(answer: &str) -> Found {
    let text = without_own_marks(answer.trim_start_matches(INVISIBLE));
    let whole = dedented(text.trim_start_matches('\n'));
    if looks_like_python(&whole.text) {
        return whole;
    }
    tagged(text).map_or(whole, |code| dedented(code.trim_start_matches(['\r', '\n'])))
}

/// What stands in a tag: the last that looks like Python, else the last; or what stands before the end of one whose start
/// the prompt has.
fn tagged(text: &str) -> Option<Cow<'_, str>> {
    let is_python = |code: &str| looks_like_python(&dedented(code).text);
    let up_to_end = |code: &str| TAG_END.find(code).map_or(code.len(), |end| end.start());
    let parts = TAG.captures_iter(text).filter_map(|tag| {
        let code = &text[tag.get(0)?.end()..];
        let code = &code[..up_to_end(code)];
        Some(if tag.get(1).is_some() { without_entities(code) } else { Cow::Borrowed(code) })
    });
    let mut parts: Vec<Cow<'_, str>> = parts.filter(|code| !code.trim().is_empty()).collect();
    if let Some(last) = parts.len().checked_sub(1) {
        let index = parts.iter().rposition(|code| is_python(code)).unwrap_or(last);
        return Some(parts.swap_remove(index));
    }
    let code = &text[..up_to_end(text)];
    (code.len() < text.len() && is_python(code)).then_some(Cow::Borrowed(code))
}

/// Code of a page without the escapes of HTML.
fn without_entities(code: &str) -> Cow<'_, str> {
    if !code.contains('&') {
        return Cow::Borrowed(code);
    }
    Cow::Owned(ENTITIES.iter().fold(code.to_owned(), |code, (name, sign)| code.replace(name, sign)))
}

/// Bare code without a line that names its language, without prompts of an interpreter, and without the indentation that
/// all its lines have, or the one blank that the first alone has.
fn dedented(text: &str) -> Found {
    let named = LANGUAGE.find(text).map(|line| &text[line.end()..]);
    let text = named.filter(|rest| !rest.trim().is_empty()).unwrap_or(text);
    if is_transcript(text) {
        return typed(text).into();
    }
    let indentation = common_indentation(text);
    let first = text.trim_start_matches(['\r', '\n']);
    match first.strip_prefix(' ') {
        Some(rest) if indentation.is_empty() && rest.starts_with(|c: char| !c.is_whitespace()) => {
            rest.to_owned().into()
        }
        _ if indentation.is_empty() => text.to_owned().into(),
        _ => Found { indentation: indentation.to_owned(), text: without_common_indentation(text) },
    }
}

#[cfg(test)]
mod tests {
    fn program(reply: &str) -> String {
        super::program(reply, &[]).text
    }

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
