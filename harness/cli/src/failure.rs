//! What ends a command, and with which exit code.

use std::io;

use anstyle::{AnsiColor, Style};
use assay_flow::{Diagnostic, Diagnostics, FlowError, StepFailure};
use assay_import::ImportError;
use assay_report::{ReadError, WriteError};
use assay_sandbox::{JudgingError, LockError, SetupError, rows::RowsError};
use assay_store::{ErrorClass, StoreError};

use crate::outputs;
use crate::visible::visible;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Recipes, scales, lockfiles or arguments are wrong; nothing was run.
    #[error("{0}")]
    Diagnostics(#[from] Diagnostics),
    /// A run did not reach its target.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The report could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store has damaged objects.
    #[error("{0}")]
    Damaged(String),
    /// An artefact is not what its lock says.
    #[error("{message}\n  help: {help}")]
    NotAsLocked {
        /// What differs.
        message: String,
        /// What to do.
        help: String,
    },
    /// Problems or samples cannot be used.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// Logs cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The sandbox's image could not be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The image's lockfile is wrong.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Judging failed as a whole.
    #[error(transparent)]
    Judging(#[from] JudgingError),
    /// Some samples could not be judged.
    #[error("{0}")]
    Unjudged(String),
    /// Rows of a file were not graded; the others were.
    #[error("{0}")]
    NotGraded(String),
    /// The audit found something that changes a claim, a rank or a value.
    #[error("{0}")]
    Found(String),
    /// Numbers are worse than in the baseline, or the baseline was rewritten.
    #[error("{message}\n  help: {help}")]
    Regressed {
        /// What is worse.
        message: String,
        /// What to do.
        help: String,
    },
    /// Claims have an outcome that the user does not accept.
    #[error("{0}")]
    Unwanted(String),
    /// A step that was repeated failed.
    #[error("{0}")]
    Repeated(StepFailure),
    /// The user stopped it.
    #[error("{0}")]
    Interrupted(String),
    /// Standard output took no more.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    /// The machine refused something.
    #[error("cannot {doing}")]
    Refused {
        /// What, and where: `write verdicts.jsonl`.
        doing: String,
        /// What it said.
        #[source]
        error: io::Error,
        /// What to do.
        help: &'static str,
    },
    /// A worker process lost touch with the process that started it.
    #[error("the worker's pipes failed")]
    Io(#[from] io::Error),
    /// Our mistake.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(diagnostic.into())
    }
}

impl Failure {
    /// Makes a failure of what the machine said when it was to do something.
    pub(crate) fn refused(doing: impl Into<String>, help: &'static str) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Refused { doing, error, help }
    }

    /// Whether only the reader of standard output has gone. Then there is nobody to tell.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The documented exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NotAsLocked { .. } | Self::Unjudged(_) | Self::NotGraded(_) | Self::Found(_) => 1,
            Self::Rows(_) | Self::Lock(_) | Self::Import(_) => 2,
            Self::Regressed { .. } | Self::Unwanted(_) => 5,
            Self::Interrupted(_) => 130,
            // A step that fails for what it was given is the ordinary failure; a machine or a program at
            // fault is not.
            Self::Flow(error @ FlowError::Failed { .. }) => match error.class() {
                ErrorClass::User => 1,
                class => of_class(class),
            },
            Self::Repeated(failure) => match failure.class {
                ErrorClass::User => 1,
                class => of_class(class),
            },
            Self::Flow(FlowError::Interrupted { .. }) => 130,
            Self::Diagnostics(diagnostics) => of_class(diagnostics.class()),
            Self::Flow(error) => of_class(error.class()),
            Self::Store(error) => of_class(error.class()),
            Self::Setup(SetupError::Stopped) => 130,
            Self::Setup(error) => of_class(error.class()),
            Self::Judging(JudgingError::Stopped { .. }) => 130,
            Self::Judging(error) => of_class(error.class()),
            Self::Write(WriteError::Io { .. }) | Self::Damaged(_) => 3,
            Self::Stdout(_) | Self::Refused { .. } | Self::Io(_) => 3,
            Self::Write(WriteError::Inconsistent(_)) | Self::Read(_) | Self::Internal(_) => 4,
        }
    }

    /// Who has to act. Of what a command found in the user's numbers, samples or claims, the user.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Diagnostics(diagnostics) => diagnostics.class(),
            Self::Flow(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Setup(error) => error.class(),
            Self::Judging(error) => error.class(),
            Self::Repeated(failure) => failure.class,
            Self::Rows(_) | Self::Lock(_) | Self::Import(_) => ErrorClass::User,
            Self::Unjudged(_) | Self::NotGraded(_) | Self::Found(_) => ErrorClass::User,
            Self::Regressed { .. } | Self::Unwanted(_) | Self::Interrupted(_) => ErrorClass::User,
            Self::Write(WriteError::Io { .. }) | Self::Damaged(_) | Self::NotAsLocked { .. } => {
                ErrorClass::Environment
            }
            Self::Stdout(_) | Self::Refused { .. } | Self::Io(_) => ErrorClass::Environment,
            Self::Write(WriteError::Inconsistent(_)) | Self::Read(_) | Self::Internal(_) => {
                ErrorClass::Internal
            }
        }
    }

    /// The causes of what the message says, less those that it quotes: each the cause of the one before.
    pub(crate) fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut said = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors quote their cause.
            if !said.contains(&text) {
                causes.push(text.clone());
            }
            said = text;
            cause = error.source();
        }
        causes
    }

    /// What to do about it, where the message does not say so itself.
    pub(crate) fn remedy(&self) -> Option<String> {
        match self {
            Self::Store(error) | Self::Flow(FlowError::Store(error)) => Some(error.remedy()),
            Self::Flow(FlowError::Interrupted { .. }) => Some(
                "start it again: finished steps are kept, and others go on from what they saved".to_owned(),
            ),
            Self::Flow(FlowError::Thread { .. }) => Some(
                "use fewer threads, or allow more processes (`ulimit -u`) and memory (`ulimit -v`)"
                    .to_owned(),
            ),
            Self::Rows(error) => Some(error.remedy().to_owned()),
            Self::Import(error) => Some(error.remedy().to_owned()),
            Self::Setup(error) => Some(error.remedy().to_owned()),
            Self::Lock(error) => Some(error.remedy().to_owned()),
            Self::Judging(error) => Some(error.remedy()),
            Self::Write(WriteError::Io { .. }) => Some(outputs::HELP.to_owned()),
            Self::Stdout(_) => Some("free space on the disk that standard output goes to".to_owned()),
            Self::Refused { help, .. } => Some((*help).to_owned()),
            _ => None,
        }
    }

    /// The error, its causes and the remedy, as standard error shows them. They may quote what stood in a file.
    pub(crate) fn shown(&self) -> String {
        let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        if let Self::Diagnostics(diagnostics) = self {
            let shown =
                |diagnostic: &Diagnostic| format!("{red}error{red:#}: {}", visible(&diagnostic.to_string()));
            return diagnostics.iter().map(shown).collect::<Vec<_>>().join("\n");
        }
        let mut shown = format!("{red}error{red:#}: {}", visible(&self.to_string()));
        for cause in self.causes() {
            shown.push_str(&format!("\n  cause: {}", visible(&cause)));
        }
        if let Some(remedy) = self.remedy() {
            shown.push_str(&format!("\n  help: {}", visible(&remedy)));
        }
        shown
    }
}

fn of_class(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::User => 2,
        ErrorClass::Environment => 3,
        ErrorClass::Internal => 4,
    }
}
