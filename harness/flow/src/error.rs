//! What can go wrong while steps run.

use std::error::Error;
use std::fmt;

use assay_store::{ErrorClass, RunId, StoreError};

use crate::diagnostic::Class;

/// Why a step did not make its output.
///
/// Build one with [`StepError::user`], [`StepError::environment`] or [`StepError::internal`], which say who
/// has to act, and add a remedy and the cause.
#[derive(Debug)]
pub struct StepError {
    class: Class,
    message: String,
    remedy: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    pub(crate) cancelled: bool,
}

impl StepError {
    fn new(class: Class, message: String) -> Self {
        Self { class, message, remedy: None, source: None, cancelled: false }
    }

    /// The user's data or settings are at fault.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(Class::User, message.into())
    }

    /// The machine is at fault.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(Class::Environment, message.into())
    }

    /// The program is at fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Class::Internal, message.into())
    }

    /// The step gave up because [`StepContext::cancelled`](crate::StepContext::cancelled) said so.
    pub fn cancelled() -> Self {
        Self { cancelled: true, ..Self::new(Class::User, "cancelled".to_owned()) }
    }

    /// Adds what to do about it, as a fragment.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Who has to act.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The message with all causes, in one line.
    pub fn message(&self) -> String {
        one_line(self)
    }

    /// What to do about it.
    pub fn remedy_text(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        let remedy = error.remedy();
        Self::new(class_of(&error), "the store failed".to_owned()).remedy(remedy).caused_by(error)
    }
}

impl From<std::io::Error> for StepError {
    fn from(error: std::io::Error) -> Self {
        Self::environment("a file operation failed").caused_by(error)
    }
}

/// The store's classes are the same three.
pub(crate) fn class_of(error: &StoreError) -> Class {
    match error.class() {
        ErrorClass::User => Class::User,
        ErrorClass::Environment => Class::Environment,
        ErrorClass::Internal => Class::Internal,
    }
}

/// A message followed by those of its causes.
pub(crate) fn one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// A step that did not make its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// The instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// Who has to act.
    pub class: Class,
    /// What went wrong, with all causes, in one line.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
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
    #[error("two step kinds are called `{name}`")]
    DuplicateKind {
        /// The name.
        name: &'static str,
    },
    /// A bug in this crate.
    #[error("internal error: {0}")]
    Internal(String),
}

impl FlowError {
    /// Who has to act. Of failed steps, the gravest.
    pub fn class(&self) -> Class {
        match self {
            Self::Failed { failures, .. } => {
                failures.iter().map(|f| f.class).max().unwrap_or(Class::Internal)
            }
            Self::Interrupted { .. } => Class::User,
            Self::Store(error) => class_of(error),
            Self::Thread { .. } => Class::Environment,
            Self::DuplicateKind { .. } | Self::Internal(_) => Class::Internal,
        }
    }
}

fn list(failures: &[StepFailure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
