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
        let holds = |text: &str, key: &str| text.contains(&format!("\"{key}\""));
        match text.chars().next()? {
            '[' => Some(Self::Lcb),
            '{' if holds(first, "doc_id") => Some(Self::LmEval),
            '{' if holds(first, "question") => Some(Self::Jsonl),
            '{' if holds(text, "eval") || holds(text, "status") => Some(Self::Inspect),
            '{' => None,
            _ => {
                first.split(',').any(|name| name.trim().trim_matches('"') == "question").then_some(Self::Csv)
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
