//! What must hold for single texts of a dialect.

use std::fmt;

use super::spec::PromptSpec;
use crate::pattern::Pattern;

/// Why a text of a dialect cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextFault {
    /// A delimiter is empty.
    Empty,
    /// A place to fill in is missing, occurs twice, or occurs where it is not allowed.
    Slot {
        /// `question` or `hint`.
        slot: &'static str,
        /// How often it occurs there.
        found: usize,
        /// How often it should.
        expected: usize,
    },
}

impl fmt::Display for TextFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the text is empty, so it could not be found in a reply"),
            Self::Slot { slot, found, expected } => {
                write!(out, "{{{slot}}} stands here {found} times, expected {expected}")
            }
        }
    }
}

/// A text that is looked for in replies.
pub(super) fn not_empty(text: &str) -> Result<(), TextFault> {
    if text.is_empty() { Err(TextFault::Empty) } else { Ok(()) }
}

/// A text that has `{question}` so many times.
pub(super) fn questions(text: &str, expected: usize) -> Result<(), TextFault> {
    count("question", Pattern::parse(text).questions(), expected)
}

/// A way to put a benchmark's question: a text with `{question}` and no `{hint}`.
pub(super) fn question_alone(text: &str) -> Result<(), TextFault> {
    questions(text, 1)?;
    count("hint", Pattern::parse(text).hints(), 0)
}

/// A prompt that has `{hint}` so many times, in `user` and `open` together.
pub(super) fn hints(prompt: &PromptSpec, expected: usize) -> Result<(), TextFault> {
    let texts = [&prompt.user, &prompt.open];
    count("hint", texts.iter().map(|text| Pattern::parse(text).hints()).sum(), expected)
}

fn count(slot: &'static str, found: usize, expected: usize) -> Result<(), TextFault> {
    if found == expected { Ok(()) } else { Err(TextFault::Slot { slot, found, expected }) }
}
