//! Why a table cannot be put together.

use crate::scores::ScoresError;

/// Why a table cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// No sample of a question has a verdict.
    #[error(
        "the judge failed on every sample of question {question} by model {model}: there is no score for it"
    )]
    NoVerdict {
        /// The question.
        question: String,
        /// The model.
        model: String,
    },
    /// Scores do not fit together.
    #[error(transparent)]
    Scores(#[from] ScoresError),
    /// A claim does not parse, although the layout was checked.
    #[error("claim {id}: {message}")]
    Claim {
        /// The claim.
        id: String,
        /// What is wrong.
        message: String,
    },
}
