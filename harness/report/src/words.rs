//! Marks and words for verdicts. Each has both, so that none depends on colour or on a font.

use crate::model::{PrintedCheck, Verdict};

impl Verdict {
    /// The word in reports, e.g. `not replicated`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::NotReplicated => "not replicated",
            Self::Inconclusive => "inconclusive",
            Self::NotAttempted => "not attempted",
        }
    }

    /// The mark before the word: one character, one column wide.
    pub fn mark(self) -> char {
        match self {
            Self::Replicated => '✓',
            Self::NotReplicated => '✗',
            Self::Inconclusive => '◐',
            Self::NotAttempted => '○',
        }
    }

    /// What the verdict means, for a legend.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Replicated => "the whole interval lies where the claim puts it",
            Self::NotReplicated => "the whole interval lies elsewhere",
            Self::Inconclusive => "the interval spans the threshold",
            Self::NotAttempted => "not measured",
        }
    }

    /// Name in style sheets.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::NotReplicated => "not-replicated",
            Self::Inconclusive => "inconclusive",
            Self::NotAttempted => "not-attempted",
        }
    }
}

impl PrintedCheck {
    /// The word in reports, e.g. `contradicted`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Contradicted => "contradicted",
            Self::Impossible => "impossible",
            Self::NotAttempted => "not attempted",
        }
    }

    /// The mark behind the printed value; most cells are consistent and need none.
    pub fn mark(self) -> Option<char> {
        match self {
            Self::Contradicted => Some('≠'),
            Self::Impossible => Some('!'),
            Self::Consistent | Self::NotAttempted => None,
        }
    }

    /// All results in the order in which they are listed.
    pub(crate) const ALL: [Self; 4] =
        [Self::Consistent, Self::Contradicted, Self::Impossible, Self::NotAttempted];
}

/// `1 seed`, `2 seeds`.
pub(crate) fn plural(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
