//! Why a dialect cannot be used, or a question not be put in it.

use assay_store::ErrorClass;

use crate::chat_template::TemplateError;

/// A dialect that does not work, or a text that it cannot carry. Always the user's to mend: the dialect is
/// the recipe's, the text is of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectError {
    /// The chat template is no template, or refuses a conversation.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A text that separates two things is empty.
    #[error("`{name}` is empty, so nothing would tell where it stands")]
    Empty {
        /// The setting, as in `solution.end`.
        name: String,
    },
    /// A place is missing, stands twice, or stands where it may not.
    #[error("`{name}` has {{{slot}}} {found} times, expected {expected}")]
    Slot {
        /// The setting, as in `reasoner.user`.
        name: String,
        /// `question` or `hint`.
        slot: &'static str,
        /// How often it stands there.
        found: usize,
        /// How often it should.
        expected: usize,
    },
    /// A question or hint contains a text that has a meaning in this dialect: the model would take it for
    /// one.
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
            Self::Template(_) => "mend `template`, or `system` if the template refuses it",
            Self::Empty { .. } => "give the text that the model is trained to write there",
            Self::Slot { .. } => {
                "write {question} once in `user`, and {hint} once in `user` or `open` of the posterior alone"
            }
            Self::Special { .. } => "leave the item out, or write it without that text",
        }
    }
}
