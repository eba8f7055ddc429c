//! Why a run did not make its target.

use std::fmt;

use assay_store::{ErrorClass, RunId, StoreError};

use crate::kind::DuplicateKind;
use crate::kind::error::StepError;

/// A step that did not make its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// Who has to act.
    pub class: ErrorClass,
    /// What went wrong, with all causes, in one line.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl StepFailure {
    pub(crate) fn new(step: &str, error: &StepError) -> Self {
        Self {
            step: step.to_owned(),
            class: error.class(),
            message: error.message(),
            remedy: error.remedy_text().map(str::to_owned),
        }
    }
}

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} failed: {}", self.step, self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  help: {remedy}"),
            None => Ok(()),
        }
    }
}

/// Why a run did not make its target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// Steps failed; all others that did not depend on them have been run.
    #[error("{}", list(.failures))]
    Failed {
        /// The run, whose log tells the rest.
        run: RunId,
        /// The steps, in the order in which they failed.
        failures: Vec<StepFailure>,
        /// Steps that could not run because of these, by id.
        skipped: Vec<String>,
    },
    /// The caller's cancel flag was raised. The next run goes on from what is finished and from checkpoints.
    #[error("interrupted; the next run goes on from here")]
    Interrupted {
        /// The run.
        run: RunId,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The system refused a thread for a step.
    #[error("no thread could be started for a step")]
    Thread {
        /// What the system says.
        source: std::io::Error,
    },
    /// Two kinds have the same name.
    #[error(transparent)]
    DuplicateKind(#[from] DuplicateKind),
    /// A bug in this crate.
    #[error("internal error: {0}")]
    Internal(String),
}

impl FlowError {
    /// Who has to act. Of failed steps, the gravest.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Failed { failures, .. } => {
                failures.iter().map(|f| f.class).max().unwrap_or(ErrorClass::Internal)
            }
            Self::Interrupted { .. } => ErrorClass::User,
            Self::Store(error) => error.class(),
            Self::Thread { .. } => ErrorClass::Environment,
            Self::DuplicateKind(_) | Self::Internal(_) => ErrorClass::Internal,
        }
    }
}

fn list(failures: &[StepFailure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
