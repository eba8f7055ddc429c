//! Why the image could not be set up, and what to do about it.

use std::io;

use assay_fetch::FetchError;
use assay_store::{ErrorClass, Hash};
use camino::{Utf8Path, Utf8PathBuf};

use crate::link::LinkError;
use crate::snapshot::SnapshotError;

/// Setting up the Python image failed. Nothing is left behind that a later call would trust.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// It was stopped.
    #[error("the set-up of the Python image was stopped")]
    Stopped,
    /// A wheel could not be had.
    #[error(transparent)]
    Fetch(FetchError),
    /// Something has not the hash that the lockfile pins.
    #[error("{what} has the hash {found}, but {lock} pins {expected}")]
    Mismatch {
        /// What was checked.
        what: String,
        /// The hash in the lockfile.
        expected: Hash,
        /// The hash of what is there.
        found: Hash,
        /// Name of the lockfile.
        lock: String,
    },
    /// The downloaded package lacks a pinned part although its hash is right, so the lockfile is wrong.
    #[error("{lock} pins a part {part} that is not in the package: {detail}")]
    BadPart {
        /// Name of the part.
        part: String,
        /// What is wrong.
        detail: String,
        /// Name of the lockfile.
        lock: String,
    },
    /// No space is left on the disk, or a limit on the size of files is reached.
    #[error("no space is left for {path}")]
    DiskFull {
        /// The file that was to be written.
        path: Utf8PathBuf,
    },
    /// A file of the cache cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others can write to the folder of the images, and so could make this program run code of theirs.
    #[error("compiled code is not loaded from {folder}: {why}")]
    Untrusted {
        /// The folder.
        folder: Utf8PathBuf,
        /// Whose it is, or who may write to it.
        why: String,
    },
    /// The parts could not be linked.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The interpreter did not start.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The runtime could not compile or load the image.
    #[error("the WebAssembly runtime refused: {message}")]
    Runtime {
        /// What it said.
        message: String,
    },
}

impl From<FetchError> for SetupError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Stopped => SetupError::Stopped,
            FetchError::DiskFull { path } => SetupError::DiskFull { path },
            FetchError::Io { action, path, source } => SetupError::Io { action, path, source },
            other => SetupError::Fetch(other),
        }
    }
}

impl SetupError {
    /// Who has to act.
    pub fn class(&self) -> ErrorClass {
        match self {
            SetupError::Stopped => ErrorClass::User,
            SetupError::Fetch(error) => error.class(),
            SetupError::Mismatch { .. }
            | SetupError::BadPart { .. }
            | SetupError::DiskFull { .. }
            | SetupError::Io { .. }
            | SetupError::Untrusted { .. }
            | SetupError::Runtime { .. } => ErrorClass::Environment,
            SetupError::Link(_) | SetupError::Snapshot(_) => ErrorClass::Internal,
        }
    }

    /// Whether this machine lacks Python, pip or a network, without which no image can be made here.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self, SetupError::Fetch(error) if error.is_out_of_reach())
    }

    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            SetupError::Stopped => "start it again: finished parts are kept",
            SetupError::Fetch(error) => error.remedy(),
            SetupError::Mismatch { .. } => {
                "if you changed the guest or the linker on purpose, put the found hash into the lockfile; otherwise do not use it, and report it"
            }
            SetupError::BadPart { .. } => "restore the lockfile from version control",
            SetupError::DiskFull { .. } => {
                "free about 400 MB on that disk (and see `ulimit -f`), or choose another cache folder"
            }
            SetupError::Io { .. } => "check the folder's permissions, or choose another cache folder",
            SetupError::Untrusted { .. } => {
                "name a folder of your own (`--images`); if this one is yours, remove it and the next run makes it anew"
            }
            SetupError::Link(_) | SetupError::Snapshot(_) => {
                "this is a defect of this program or of its lockfile: report it"
            }
            SetupError::Runtime { .. } => {
                "check that the address space is not limited (`ulimit -v unlimited`); otherwise report it"
            }
        }
    }

    pub(super) fn io(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let classified = FetchError::io(action, path);
        move |source| classified(source).into()
    }

    pub(super) fn runtime(error: impl std::fmt::Display) -> Self {
        SetupError::Runtime { message: format!("{error:#}") }
    }
}
