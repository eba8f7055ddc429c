//! Why a table cannot be put together.

use crate::pass_at_k::PassAtKError;
use crate::scores::ScoresError;

/// Why a table cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// No sample of a benchmark has a verdict.
    #[error("the judge failed on every sample of model {model} on {benchmark}: there is no score for it")]
    NoVerdict {
        /// The benchmark.
        benchmark: String,
        /// The model.
        model: String,
    },
    /// A spread needs two questions.
    #[error(
        "row `{row}` has scores on {questions} question of column `{column}`: a column needs at least 2 questions, or nothing \
         is known of how its values vary"
    )]
    TooFewQuestions {
        /// The row.
        row: String,
        /// The column.
        column: String,
        /// How many questions have a score.
        questions: usize,
    },
    /// The samples of a question have no pass@k: there are fewer than k, or they are graded.
    #[error("column `{column}` has no value for row `{row}` on question `{question}`: {error}")]
    PassAt {
        /// The column.
        column: String,
        /// The row.
        row: String,
        /// The first such question.
        question: String,
        /// What is wrong, with k and the number of samples.
        error: PassAtKError,
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
    /// A gate does not parse, although the layout was checked.
    #[error("gate {id}: {message}")]
    Gate {
        /// The gate.
        id: String,
        /// What is wrong.
        message: String,
    },
}
