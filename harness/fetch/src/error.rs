//! Why a file could not be had, and what to do about it.

use std::io;

use assay_store::{ErrorClass, Hash};
use camino::{Utf8Path, Utf8PathBuf};

/// A pinned file could not be had. Nothing is left behind that a later call would trust.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It was stopped.
    #[error("the download was stopped")]
    Stopped,
    /// The Python program does not start.
    #[error("cannot start {python}, which gets packages: {source}")]
    NoPython {
        /// The program that was tried.
        python: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Python has no pip.
    #[error("{python} has no pip, which gets packages")]
    NoPip {
        /// The program that was asked.
        python: Utf8PathBuf,
    },
    /// The package index did not answer.
    #[error("the package index that {package} comes from cannot be reached: {detail}")]
    Offline {
        /// Package and release.
        package: String,
        /// The last lines that pip wrote.
        detail: String,
    },
    /// The package index answered with an error, or not over a connection that pip trusts.
    #[error("the package index that {package} comes from does not give it: {detail}")]
    IndexFailed {
        /// Package and release.
        package: String,
        /// The line that pip wrote about it.
        detail: String,
    },
    /// The package index does not have the pinned file.
    #[error("the package index has no file for {package}: {detail}")]
    NotOffered {
        /// Package and release.
        package: String,
        /// The last lines that pip wrote.
        detail: String,
    },
    /// The download failed for another reason.
    #[error("downloading {package} failed: {detail}")]
    Download {
        /// Package and release.
        package: String,
        /// The last lines that pip wrote.
        detail: String,
    },
    /// The hub cannot be reached, or breaks off again and again.
    #[error("{file} cannot be fetched from {address}: {detail}")]
    HubOutOfReach {
        /// The file, its repository and revision.
        file: String,
        /// Where the hub is.
        address: String,
        /// What happened last.
        detail: String,
    },
    /// The hub does not give the file to just anybody.
    #[error("{file} is not for everybody, see {page}: {message}")]
    NoAccess {
        /// The file, its repository and revision.
        file: String,
        /// The repository's page.
        page: String,
        /// What the hub said.
        message: String,
    },
    /// The hub has no such repository, revision or file.
    #[error("the hub does not have {file} ({status}): {message}")]
    NotOnHub {
        /// The file, its repository and revision.
        file: String,
        /// The status of HTTP.
        status: u16,
        /// What the hub said.
        message: String,
    },
    /// The file has not the hash that its lock pins.
    #[error("{file} has the hash {found}, but {lock} pins {expected}")]
    Mismatch {
        /// The file.
        file: String,
        /// The hash in the lock.
        expected: Hash,
        /// The hash of what is there.
        found: Hash,
        /// Name of the lock.
        lock: String,
    },
    /// The file has not the size that its lock pins.
    #[error("{file} has {found} bytes or more, but {lock} pins {expected}")]
    OtherSize {
        /// The file.
        file: String,
        /// The size in the lock.
        expected: u64,
        /// What has arrived.
        found: u64,
        /// Name of the lock.
        lock: String,
    },
    /// The package has the pinned hash, and lacks a file that is wanted out of it.
    #[error("{file} holds no `{member}`: {detail}")]
    NoMember {
        /// The package's file.
        file: String,
        /// What was wanted.
        member: String,
        /// What is wrong.
        detail: String,
    },
    /// No space is left on the disk, or a limit on the size of files is reached.
    #[error("no space is left for {path}")]
    DiskFull {
        /// The file that was to be written.
        path: Utf8PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FetchError {
    /// Who has to act.
    pub fn class(&self) -> ErrorClass {
        match self {
            FetchError::Stopped
            | FetchError::NoMember { .. }
            | FetchError::NoAccess { .. }
            | FetchError::NotOnHub { .. } => ErrorClass::User,
            _ => ErrorClass::Environment,
        }
    }

    /// Whether this machine lacks Python, pip or a network.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            FetchError::NoPython { .. }
                | FetchError::NoPip { .. }
                | FetchError::Offline { .. }
                | FetchError::HubOutOfReach { .. }
        )
    }

    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            FetchError::Stopped => "start it again: finished parts are kept",
            FetchError::NoPython { .. } => "install Python 3 with pip, or name another Python",
            FetchError::NoPip { .. } => {
                "install pip for this Python (package `python3-pip`, or `python3 -m ensurepip`)"
            }
            FetchError::Offline { .. } => {
                "connect to the network once (pip's own settings for proxies and mirrors are honoured); later runs are offline"
            }
            FetchError::IndexFailed { .. } => {
                "check the index that pip is set to (`pip config list`, PIP_INDEX_URL), its credentials and its certificate, or try again later"
            }
            FetchError::NotOffered { .. } => {
                "check that pip's index is PyPI or a full mirror of it, and that pip is 20.3 or later"
            }
            FetchError::Download { .. } => "see what pip says; a second try downloads again",
            FetchError::HubOutOfReach { .. } => {
                "connect to the network and run again, or name a mirror by HF_ENDPOINT; later runs are offline"
            }
            FetchError::NoAccess { .. } => {
                "ask for access on the repository's page, and give the token of that account by HF_TOKEN"
            }
            FetchError::NotOnHub { .. } => {
                "check `hub` (that of data begins with `datasets/`), `version` and `path` in the lock against the repository's page: it may have been renamed, or the revision be gone"
            }
            FetchError::Mismatch { .. } | FetchError::OtherSize { .. } => {
                "check the entry of the lock; if it is right, do not use the file: it is not the one that was locked"
            }
            FetchError::NoMember { .. } => "name a file that is in the package, by its path there",
            FetchError::DiskFull { .. } => {
                "free space on that disk (and see `ulimit -f`), or choose another folder"
            }
            FetchError::Io { .. } => "check the folder's permissions, or choose another folder",
        }
    }

    /// What becomes of the system's answer to `action` on `path`: a full disk is told apart.
    pub fn io(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                FetchError::DiskFull { path }
            }
            _ => FetchError::Io { action, path, source },
        }
    }
}
