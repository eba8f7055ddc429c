//! Finding the program in what a model wrote.

use super::reply::program;

/// How a program is found in a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extraction {
    /// The last fenced block that is a program, however it is fenced and closed or not, what was thought only if
    /// nothing else holds one; without a fence the whole text. `docs/judging.md` states the rule.
    Assay,
    /// What LiveCodeBench does: the text between the last two lines that hold three backquotes, so that an
    /// unclosed last block gives what is before it. Fewer than two such lines give the empty program.
    LiveCodeBench,
    /// What SkyThought does: the last closed block, up to `</code>`, without `<code>`; without a block
    /// nothing.
    SkyThought,
}

const FENCE: &str = "```";

/// The program in a generation; `None` if the way of extraction finds none and would not judge at all.
pub fn extract(generation: &str, how: Extraction) -> Option<String> {
    match how {
        Extraction::Assay => Some(program(generation, &[]).text),
        Extraction::LiveCodeBench => {
            let lines: Vec<&str> = generation.split('\n').collect();
            let fences: Vec<usize> = (0..lines.len()).filter(|line| lines[*line].contains(FENCE)).collect();
            let &[.., start, end] = fences.as_slice() else { return Some(String::new()) };
            Some(lines[start + 1..end].join("\n"))
        }
        Extraction::SkyThought => {
            let block = last_closed_block(generation)?;
            let block = block.split("</code>").next().unwrap_or_default().replace("```python", "");
            Some(block.split(FENCE).next().unwrap_or_default().replace("<code>", ""))
        }
    }
}

/// The last match of "three backquotes, letters, line end, the least text up to three backquotes", scanned
/// from the left.
fn last_closed_block(generation: &str) -> Option<&str> {
    let mut found = None;
    let mut rest = generation;
    while let Some(at) = rest.find(FENCE) {
        let after = &rest[at + FENCE.len()..];
        let body = after.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).strip_prefix('\n');
        match body.and_then(|body| body.find(FENCE).map(|end| (body, end))) {
            Some((body, end)) => {
                found = Some(&body[..end]);
                rest = &body[end + FENCE.len()..];
            }
            None => rest = &rest[at + 1..],
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_judge_finds_programs_in_its_own_way() {
        use Extraction::{Assay, LiveCodeBench, SkyThought};
        let cases: [(&str, &str, &str, Option<&str>); 7] = [
            ("a\n```python\nx = 1\n```\nb", "x = 1", "x = 1", Some("x = 1\n")),
            ("```\nfirst\n```\n```py\nsecond\n```", "second", "second", Some("second\n")),
            // An unclosed last block.
            ("```\nfirst\n```\ntext\n```python\nsecond", "second", "text", Some("first\n")),
            ("no program", "no program", "", None),
            ("```python\nhalf", "half", "", None),
            ("```python3\nx\n```", "x", "x", None),
            ("```python\n<code>x</code> y\n```", "<code>x</code> y", "<code>x</code> y", Some("x")),
        ];
        for (generation, assay, lcb, skythought) in cases {
            assert_eq!(extract(generation, Assay).as_deref(), Some(assay), "{generation:?}");
            assert_eq!(extract(generation, LiveCodeBench).as_deref(), Some(lcb), "{generation:?}");
            assert_eq!(extract(generation, SkyThought).as_deref(), skythought, "{generation:?}");
        }
    }
}
