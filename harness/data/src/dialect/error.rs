//! Why a dialect cannot be used, or cannot hold a question.

use assay_store::ErrorClass;

use crate::chat_template::TemplateError;

/// A dialect that does not work, or a text that it cannot hold. Always the user's mistake: the dialect is from
/// the recipe, the text is from the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectError {
    /// The chat template is no template, or refuses a conversation.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A delimiter is empty.
    #[error("`{name}` is empty, so it could not be found in a reply")]
    Empty {
        /// The setting, as in `solution.end`.
        name: String,
    },
    /// A placeholder is missing, occurs twice, or occurs where it is not allowed.
    #[error("`{name}` has {{{slot}}} {found} times, expected {expected}")]
    Slot {
        /// The setting, as in `reasoner.user`.
        name: String,
        /// `question` or `hint`.
        slot: &'static str,
        /// How often it occurs there.
        found: usize,
        /// How often it should.
        expected: usize,
    },
    /// A question or hint contains a delimiter or special token, which the model would take for a real one.
    #[error("the {what} of `{id}` contains {text:?}, which has a meaning in this dialect")]
    Special {
        /// `question` or `hint`.
        what: &'static str,
        /// The item.
        id: String,
        /// What it contains.
        text: String,
    },
}

impl DialectError {
    /// Whose mistake it is.
    pub fn class(&self) -> ErrorClass {
        ErrorClass::User
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Template(_) => "correct `template`; if it refuses a system prompt, leave out `system`",
            Self::Empty { .. } => "give the text that the model is trained to write there",
            Self::Slot { .. } => {
                "write {question} once in `user`, and {hint} once in `user` or `open` of the posterior alone"
            }
            Self::Special { .. } => "leave the item out, or write it without that text",
        }
    }
}
