//! The formats, and how each is recognised by its content.

use std::fmt;

/// A format of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Logs of Inspect: an archive `.eval`, or one JSON file.
    Inspect,
    /// Sample logs of the Language Model Evaluation Harness: `samples_TASK_TIME.jsonl`.
    LmEval,
    /// `eval_all` files of LiveCodeBench.
    Lcb,
    /// A table with the columns `question`, and `correct` or `score`; also `sample`, `benchmark` and `error`.
    Csv,
    /// JSON lines with the same keys.
    Jsonl,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Inspect, Self::LmEval, Self::Lcb, Self::Csv, Self::Jsonl];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::LmEval => "lm-eval",
            Self::Lcb => "lcb",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// The format that the first bytes of a file point to; `None` for no known format.
    pub(crate) fn recognise(start: &[u8]) -> Option<Self> {
        if start.starts_with(b"PK") {
            return Some(Self::Inspect);
        }
        let text = String::from_utf8_lossy(start);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let first = text.lines().next().unwrap_or_default();
        let keys = first_keys(text);
        let holds = |key: &str| keys.contains(&key);
        match text.chars().next()? {
            '[' => Some(Self::Lcb),
            '{' if holds("doc_id") => Some(Self::LmEval),
            '{' if holds("eval") || holds("status") => Some(Self::Inspect),
            '{' if holds("question") => Some(Self::Jsonl),
            '{' => None,
            _ => {
                first.split(',').any(|name| name.trim().trim_matches('"') == "question").then_some(Self::Csv)
            }
        }
    }
}

/// The keys of the first object in a text, which may be cut off, without those of the objects in it. Escapes in keys are
/// not resolved.
fn first_keys(text: &str) -> Vec<&str> {
    let (mut keys, mut depth, mut last) = (Vec::new(), 0usize, "");
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}', '[', ']', '"', ':']) {
        let (found, after) = rest[at..].split_at(1);
        rest = after;
        match found {
            "{" | "[" => depth += 1,
            "\"" => {
                let end = closing(rest);
                last = &rest[..end];
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            ":" if depth == 1 => keys.push(last),
            ":" => {}
            _ => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            break;
        }
    }
    keys
}

/// Where a string ends that a text is in.
fn closing(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
