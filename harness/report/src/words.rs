//! Marks and classes beside the words for outcomes and checks. Each has both, so that none depends on colour or on a
//! font.

use crate::model::{Outcome, PrintedCheck};

/// How the outcome of a claim looks.
pub(crate) trait OutcomeLook {
    /// The mark before the word: one character, one column wide.
    fn mark(self) -> char;
    /// Name in style sheets.
    fn class(self) -> &'static str;
}

impl OutcomeLook for Outcome {
    fn mark(self) -> char {
        match self {
            Self::Holds => '✓',
            Self::Reversed => '✗',
            Self::Smaller => '▽',
            Self::Open => '◐',
            Self::NotTestable => '⊘',
            Self::NotAttempted => '○',
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Reversed => "reversed",
            Self::Smaller => "smaller",
            Self::Open => "open",
            Self::NotTestable => "not-testable",
            Self::NotAttempted => "not-attempted",
        }
    }
}

/// How the check of a printed value looks.
pub(crate) trait CheckLook {
    /// The mark behind the printed value; most cells are consistent and need none.
    fn mark(self) -> Option<char>;
}

impl CheckLook for PrintedCheck {
    fn mark(self) -> Option<char> {
        match self {
            Self::Contradicted => Some('≠'),
            Self::OffTheGrid => Some('!'),
            Self::Consistent | Self::NotAttempted => None,
        }
    }
}

/// `1 seed`, `2 seeds`.
pub(crate) fn plural(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
