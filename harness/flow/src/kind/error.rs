//! Why a step did not make its output.

use std::error::Error;
use std::fmt;

use assay_store::memo::Unfilled;
use assay_store::{ErrorClass, StoreError};

/// Why a step did not make its output.
///
/// Build one with [`StepError::user`], [`StepError::environment`] or [`StepError::internal`], which say who
/// has to act, and add a remedy and the cause.
#[derive(Debug)]
pub struct StepError {
    class: ErrorClass,
    message: String,
    remedy: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    pub(crate) cancelled: bool,
}

impl StepError {
    fn new(class: ErrorClass, message: String) -> Self {
        Self { class, message, remedy: None, source: None, cancelled: false }
    }

    /// The user's data or settings are at fault.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::User, message.into())
    }

    /// The machine is at fault.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Environment, message.into())
    }

    /// The program is at fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Internal, message.into())
    }

    /// The step gave up because [`StepContext::cancelled`](crate::StepContext::cancelled) said so.
    pub fn cancelled() -> Self {
        Self { cancelled: true, ..Self::new(ErrorClass::User, "cancelled".to_owned()) }
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
    pub fn class(&self) -> ErrorClass {
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
        Self::new(error.class(), "the store failed".to_owned()).remedy(remedy).caused_by(error)
    }
}

impl From<Unfilled> for StepError {
    fn from(error: Unfilled) -> Self {
        Self::internal("a result was neither known nor computed").caused_by(error)
    }
}

impl From<std::io::Error> for StepError {
    fn from(error: std::io::Error) -> Self {
        Self::environment("a file operation failed").caused_by(error)
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
