//! Why a dialect cannot be used, or cannot hold a question.

use assay_store::ErrorClass;

use super::checks::TextFault;
use crate::chat_template::TemplateError;
use crate::checkpoint_template::CheckpointTemplateError;

/// A dialect that does not work, or a text that it cannot hold. Nearly always the user's mistake: the dialect is from
/// the recipe, the text is from the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectError {
    /// The chat template is no template, or refuses a conversation.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The checkpoint's own chat template cannot be had.
    #[error("the checkpoint's chat template: {0}")]
    Checkpoint(#[from] CheckpointTemplateError),
    /// The template is the checkpoint's, which is not at hand.
    #[error("the chat template is the checkpoint's, and is not known here")]
    NoCheckpoint,
    /// A text of the dialect cannot be used.
    #[error("`{name}`: {fault}")]
    Text {
        /// The setting, as in `solution.end`.
        name: String,
        /// What is wrong with it.
        fault: TextFault,
    },
    /// What closes a thought is also what ends an answer, so that one could not be told from the other.
    #[error("`{close}` and `solution.end` are both {text:?}")]
    Same {
        /// The text that closes a thought, as in `reasoner.close`.
        close: String,
        /// What both are.
        text: String,
    },
    /// The chat template does not show the model what it is given.
    #[error("the chat template leaves out the {what} of `{name}`")]
    Lost {
        /// `question`, `hint` or `system prompt`.
        what: &'static str,
        /// The prompt, as in `posterior.A`.
        name: &'static str,
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
        match self {
            Self::Checkpoint(error) => error.class(),
            Self::NoCheckpoint => ErrorClass::Internal,
            _ => ErrorClass::User,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Template(TemplateError { file: Some(_), .. }) => {
                "if it refuses a system prompt, leave out `system`; else write a template of your own into the recipe"
            }
            Self::Checkpoint(error) => error.remedy(),
            Self::NoCheckpoint => "report this as a mistake of the program",
            Self::Template(_) => "correct `template`; if it refuses a system prompt, leave out `system`",
            Self::Text { fault: TextFault::Empty, .. } => {
                "give the text that the model is trained to write there"
            }
            Self::Text { fault: TextFault::Slot { .. }, .. } => {
                "write {question} once in `user`, and {hint} once in `user` or `open` of the posterior alone"
            }
            Self::Same { .. } => "close a thought by another text than an answer",
            Self::Lost { .. } => "let `template` write the content of every message that it is given",
            Self::Special { .. } => "leave the item out, or write it without that text",
        }
    }
}
