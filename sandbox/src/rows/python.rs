//! What can be seen of a text's Python without running it.

use std::sync::LazyLock;

use regex::Regex;

/// Statements that do nothing but define, or nothing at all.
static DEFINES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\A(?:(?:def|class|async|import|from|pass)\b|@|[A-Za-z]{0,2}["'])"#)
        .expect("a pattern of this crate is valid")
});
/// A unit test that whoever has it runs: a class of `unittest`, or a function that takes nothing.
static UNIT_TEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?:class\s+\w+\s*\([^)]*TestCase\b|(?:async\s+)?def\s+test\w*\s*\(\s*\))")
        .expect("a pattern of this crate is valid")
});
/// The start of an assignment to a name.
static ASSIGNS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A[A-Za-z_]\w*\s*(?::[^=]*)?=[^=]").expect("a pattern of this crate is valid")
});

/// A target of an assignment.
const TARGET: &str = r"\*?[A-Za-z_][\w.]*(?:\[[^\]]*\])*";
/// Starts of statements that prose does not start with.
static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    let patterns = [
        r"(?:async\s+)?def\s+\w+\s*[\[(]",
        r"class\s+\w+\s*[\[(:]",
        r"import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*\s*(?:#.*)?\z",
        r"from\s+[\w.]+\s+import\s*[(*\w]",
        r"(?:if|elif|while|with|match)\b(?s:.*):",
        r"(?:async\s+)?for\b(?s:.*)\sin\b(?s:.*):",
        r"(?:try|else|finally|except\b.*)\s*:",
        r"(?:assert|del|global)\s",
        r"(?:pass|break|continue)\s*\z",
        r"@\w",
        r#"[A-Za-z]{0,2}["']"#,
        r"[A-Za-z_][\w.]*\((?s:.*)\)[\w.()]*\s*(?:#.*)?\z",
        &format!(
            r"[(\[]?{TARGET}(?:\s*,\s*{TARGET})*,?[)\]]?\s*(?::[^=]*)?(?:[-+*/%@&|^]|//|\*\*|>>|<<)?=[^=]"
        ),
    ];
    Regex::new(&format!(r"\A(?:{})", patterns.join("|"))).expect("a pattern of this crate is valid")
});
/// What a program does, rather than a statement or two that show something.
static PROGRAM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:def|class|import|from|for|while|async)\s|\b(?:print|input|open)\(|\bsys\.|\bos\.")
        .expect("a pattern of this crate is valid")
});
/// The name of a function, or an expression that gives one, such as `Solution().f`.
static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"[\p{L}_][\p{L}\p{N}_]*";
    Regex::new(&format!(r"\A{name}(?:(?:\(\))?\.{name})*\z")).expect("a pattern of this crate is valid")
});
/// The first line of a function's head.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A[ \t]*(?:async\s+)?def\s+\w+\s*[\[(]").expect("a pattern of this crate is valid")
});
/// A line that defines a name.
static DEFINITION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?:\s*(?:(?:async\s+)?def|class)\s+(\w+)|(\w+)\s*=[^=])")
        .expect("a pattern of this crate is valid")
});

/// Whether each statement at the start of a line is one of Python's, as far as its first words show, and there
/// is one.
pub(super) fn looks_like_python(text: &str) -> bool {
    let statements = statements(text);
    !statements.is_empty() && statements.iter().all(|statement| STATEMENT.is_match(statement))
}

/// Whether a text is a program that does something, as far as its first words show.
pub(super) fn is_program(text: &str) -> bool {
    looks_like_python(text) && PROGRAM.is_match(text)
}

/// Places at which Python is looked for in a prompt, at most.
const STARTS: usize = 64;

/// What of a prompt is Python: all, or what follows prose, or nothing.
pub(super) fn python_in(prompt: &str) -> &str {
    let mut start = 0;
    let lines = prompt.split_inclusive('\n').map(|line| {
        start += line.len();
        (start - line.len(), line.trim_end())
    });
    let may_start = |line: &str| line.starts_with(['#', '@', '"', '\'']) || STATEMENT.is_match(line);
    let starts = lines.filter(|(_, line)| may_start(line)).map(|(start, _)| start).take(STARTS);
    starts.map(|start| &prompt[start..]).find(|rest| looks_like_python(rest)).unwrap_or_default()
}

/// The indentation of the function's head that a program so far ends in; `None` if it ends in anything else. Behind the
/// head stand a docstring and comments at most.
pub(super) fn ends_in_head(start: &str) -> Option<usize> {
    let mut at = 0;
    let lines = start.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    let heads = lines.filter(|(_, line)| HEAD.is_match(line));
    let (at, line) = heads.last()?;
    let indentation = line.len() - line.trim_start().len();
    // Without its indentation, the head is a statement that goes up to the first line behind it that is not in it.
    let rest = &start[at + indentation..];
    let body = &rest[head_end(rest)?..];
    let body = body.trim_start();
    let body = match body.trim_start_matches(['r', 'R', 'u', 'U']) {
        text if text.starts_with(['"', '\'']) => {
            text.get(text_end(text.as_bytes(), 0) + 1..).unwrap_or_default()
        }
        _ => body,
    };
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    body.lines().all(is_comment).then_some(indentation)
}

/// The end of a function's head: behind the colon that is in no bracket and no text.
fn head_end(head: &str) -> Option<usize> {
    let bytes = head.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'\'' | b'"' => at = text_end(bytes, at),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether a text defines one of these names: as a function or a class wherever it stands, or as a variable.
pub(super) fn defines(text: &str, names: &[String]) -> bool {
    text.lines().any(|line| {
        let name = DEFINITION.captures(line).and_then(|found| found.get(1).or(found.get(2)));
        name.is_some_and(|name| names.iter().any(|one| one == name.as_str()))
    })
}

/// The class that a text defines at the start of a line, the last one if there are several.
pub(super) fn last_class(text: &str) -> Option<String> {
    let mut classes = text.lines().rev().filter_map(|line| line.strip_prefix("class "));
    let name = classes.next()?.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether a text has nothing to run: blank lines, comments, `...`.
pub(super) fn does_nothing(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "...")
}

/// Whether a text is what an interpreter shows: its first line has the interpreter's prompt.
pub(super) fn is_transcript(text: &str) -> bool {
    text.trim_start().starts_with(">>>")
}

/// The statements of a transcript, without prompts and without what was answered.
pub(super) fn typed(transcript: &str) -> String {
    let statement = |line: &str| {
        let line = line.trim_end_matches('\r').trim_start();
        let rest = line.strip_prefix(">>>").or_else(|| line.strip_prefix("..."))?;
        Some(rest.strip_prefix(' ').unwrap_or(rest).to_owned())
    };
    transcript.split('\n').filter_map(statement).collect::<Vec<_>>().join("\n")
}

/// The indentation that all lines of a text share, those that are blank aside.
pub(super) fn common_indentation(text: &str) -> &str {
    let mut lines = text.split('\n').filter(|line| !line.trim().is_empty());
    let indentation = |line: &'_ str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let first = lines.next().unwrap_or_default();
    let common = lines.map(indentation).fold(indentation(first), usize::min);
    &first[..common]
}

/// A text without the indentation that all its lines share.
pub(super) fn without_common_indentation(text: &str) -> String {
    let common = common_indentation(text).len();
    let lines = text.split('\n').map(|line| line.get(common..).unwrap_or_else(|| line.trim_start()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a text is the name of a function, or attributes and calls without arguments that give one.
pub(super) fn gives_a_function(text: &str) -> bool {
    FUNCTION.is_match(text)
}

/// Whether a program only defines and imports when it is run: no statement at the start of a line is
/// anything but `def`, `class`, `import`, a docstring, or an assignment without a call (HumanEval's
/// `METADATA`), and none is a unit test. As a test it would be passed by every program.
pub(super) fn only_defines(code: &str) -> bool {
    statements(code).iter().all(|statement| {
        let defines = DEFINES.is_match(statement) && !UNIT_TEST.is_match(statement);
        defines || (ASSIGNS.is_match(statement) && !statement.contains('('))
    })
}

/// The statements at the start of a line: up to the line's end, or farther where a bracket or a text is
/// open. Several in a line are told apart.
fn statements(code: &str) -> Vec<&str> {
    let bytes = code.as_bytes();
    let mut statements = Vec::new();
    // Where the statement at hand starts; indented lines and comments are none.
    let mut start = None;
    let (mut at, mut depth, mut line_start) = (0, 0_usize, true);
    while at < bytes.len() {
        if line_start && !matches!(bytes[at], b' ' | b'\t' | b'\x0c' | b'\r' | b'\n' | b'#') {
            start = Some(at);
        }
        line_start = false;
        match bytes[at] {
            b'#' => at += code[at..].find('\n').unwrap_or(code.len() - at) - 1,
            b'\'' | b'"' => at = text_end(bytes, at),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            // The line goes on.
            b'\\' => at += if bytes[at + 1..].starts_with(b"\r\n") { 2 } else { 1 },
            b'\n' | b'\r' if depth == 0 => {
                statements.extend(start.take().map(|start| &code[start..at]));
                line_start = true;
            }
            b';' if depth == 0 => {
                statements.extend(start.map(|start| &code[start..at]));
                start = start.map(|_| at + 1);
            }
            _ => {}
        }
        at += 1;
    }
    statements.extend(start.map(|start| &code[start..]));
    statements.iter().map(|statement| statement.trim()).filter(|statement| !statement.is_empty()).collect()
}

/// The last byte of the text that starts with this quote, or of the code.
fn text_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return at - 1,
            byte if byte == quote && !triple => return at,
            _ if triple && bytes[at..].starts_with(&[quote; 3]) => return at + 2,
            _ => {}
        }
        at += 1;
    }
    bytes.len() - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_check_that_only_defines_is_told_from_one_that_tests() {
        let defines = [
            "",
            "\n# assert f(1)\n",
            "def check(candidate):\n    assert candidate(1) == 2\n",
            "import math\nfrom os import (\npath)\n@wraps\nclass A:\n\tx = f(1)\nasync def g(): f(1)",
            "\"\"\"A text\nassert f(1)\n\"\"\"\ndef check(c): pass",
            "METADATA = {\n'author': 'a [b', \n}\nx: int = 3\r\n\r\ndef check(c):\r\n    c(1)\r\n",
            "import a; import b; pass",
            "s = 'it\\'s'; t = \"#\"\ndef f(a,\nb): assert a",
            "x = 1 + \\\n2",
            "def test_f(candidate):\n    assert candidate(1)",
            "class TestCaseMaker:\n    pass",
        ];
        let tests = [
            "assert f(1)",
            "def check(c):\n    assert c(1)\n\ncheck(f)",
            "import math; assert f(1)",
            "x = f(1)",
            "x = (\n1)\nassert x",
            "for x in y:\n    assert f(x)",
            "s = '\"\"\"'\nassert f(s)",
            "s = '#'; check(f)",
            "x == 3",
            "METADATA = {'a': '}'}\nif True: check(f)",
            "x = 'never closed\nassert f(1)",
            "import unittest\nclass T(unittest.TestCase):\n    def test(self): f()",
            "from unittest import *\nclass T(IsolatedAsyncioTestCase, A): pass",
            "def test_f():\n    assert f(1)",
            "async def test(): assert await f(1)",
        ];
        for code in defines {
            assert!(only_defines(code), "{code}");
        }
        for code in tests {
            assert!(!only_defines(code), "{code}");
        }
    }

    proptest! {
        #[test]
        fn no_code_makes_it_panic(code in "([a-zé =(\\[{}\\])'\"#\\\\;\r\n]|\"\"\"){0,60}") {
            _ = only_defines(&code);
        }
    }
}
