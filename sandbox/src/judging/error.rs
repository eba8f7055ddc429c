//! Why judging did not end, and what to do about it.

use assay_store::memo::Unfilled;
use assay_store::{ErrorClass, StoreError};

use super::process::PoolError;
use crate::setup::SetupError;

/// Judging did not end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgingError {
    /// It was stopped.
    #[error("judging was stopped: {kept} of {jobs} findings are kept")]
    Stopped {
        /// Jobs whose finding is kept, equal ones counted each.
        kept: usize,
        /// All jobs.
        jobs: usize,
    },
    /// An image could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// There were no workers.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The memo could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mistake in this program.
    #[error("a job was not done: {0}")]
    Unfilled(#[from] Unfilled),
}

impl JudgingError {
    /// Before it is known what is kept.
    pub(super) const STOPPED: Self = JudgingError::Stopped { kept: 0, jobs: 0 };

    /// Whether it ended because it was stopped.
    pub(super) fn is_stop(&self) -> bool {
        matches!(self, JudgingError::Stopped { .. } | JudgingError::Setup(SetupError::Stopped))
    }

    /// Who has to act.
    pub fn class(&self) -> ErrorClass {
        match self {
            JudgingError::Stopped { .. } => ErrorClass::User,
            JudgingError::Setup(error) => error.class(),
            JudgingError::Pool(_) => ErrorClass::Environment,
            JudgingError::Store(error) => error.class(),
            JudgingError::Unfilled(_) => ErrorClass::Internal,
        }
    }

    /// One sentence on what to do about it.
    pub fn remedy(&self) -> String {
        match self {
            JudgingError::Stopped { .. } => "start it again: it goes on where it was".to_owned(),
            JudgingError::Setup(error) => error.remedy().to_owned(),
            JudgingError::Pool(error) => error.remedy().to_owned(),
            JudgingError::Store(error) => error.remedy(),
            JudgingError::Unfilled(_) => "this is a defect of this program: report it".to_owned(),
        }
    }
}
