//! What can go wrong in a store, who has to act, and what they should do.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Hash, RunId};

/// The result of a store operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What has to change for an operation to succeed, and so who has to act. A graver class is greater.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// The request: a path, a name or a run id is wrong. The user asks for something else.
    User,
    /// The machine or the stored bytes: a full disk, a read-only folder, a flipped bit, a store of another
    /// version. The user, or whoever runs the machine, repairs it; the same request then succeeds.
    Environment,
    /// This program: it has a defect, which should be reported.
    Internal,
}

/// An error of a [`Store`](crate::Store).
///
/// The message says what is wrong and where; [`StoreError::remedy`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The bytes of an object are not those that its hash names.
    #[error("object {hash} is corrupt: {path} holds other bytes than were stored{}", member_note(.member))]
    Corrupt {
        /// The object; [`Store::forget`](crate::Store::forget) takes it out of use.
        hash: Hash,
        /// The file that holds the wrong bytes.
        path: Utf8PathBuf,
        /// The file of a tree that was asked for, if the object was reached through a tree.
        member: Option<String>,
    },
    /// An object is not in the store.
    #[error("object {hash} is not in the store{}", member_note(.member))]
    Missing {
        /// The object.
        hash: Hash,
        /// The file of a tree that was asked for, if the object was reached through a tree.
        member: Option<String>,
    },
    /// A tree has no file of this name.
    #[error("tree {tree} has no file `{path}`")]
    NotInTree {
        /// The tree.
        tree: Hash,
        /// The relative path that was asked for.
        path: String,
    },
    /// A tree was given where the store expects a file object, or the other way round.
    #[error("object {hash} is a {found}, not a {wanted}")]
    WrongKind {
        /// The object.
        hash: Hash,
        /// What the object is.
        found: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A tree's manifest has the right hash but breaks the rules of manifests.
    #[error("tree {hash} has a malformed manifest, line {line}: {reason}")]
    BadManifest {
        /// The tree.
        hash: Hash,
        /// 1-based line in the manifest.
        line: usize,
        /// The broken rule.
        reason: &'static str,
    },
    /// Something in a folder cannot be stored: a symbolic link, a device, an odd name.
    #[error("cannot store {path:?}: {reason}")]
    Unsupported {
        /// The offending entry, lossily decoded if its name is not UTF-8.
        path: String,
        /// Why it cannot be stored.
        reason: &'static str,
    },
    /// A path given to `adopt_path` lies outside the store's own scratch and checkpoint folders.
    #[error("{path} is not inside the store's scratch folders")]
    NotInScratch {
        /// The path.
        path: Utf8PathBuf,
    },
    /// The destination of `materialize` exists.
    #[error("{path} exists already")]
    DestinationExists {
        /// The destination.
        path: Utf8PathBuf,
    },
    /// The path of the store is longer than SQLite can open.
    #[error("the path of store {root} has {} bytes; {limit} are possible", .root.as_str().len())]
    PathTooLong {
        /// The store.
        root: Utf8PathBuf,
        /// The longest possible path in bytes.
        limit: usize,
    },
    /// The store was removed while it was open.
    #[error("store {root} is gone: somebody has removed or moved it")]
    Gone {
        /// Where it was.
        root: Utf8PathBuf,
    },
    /// The folder is no store, and is not empty either.
    #[error("{root} is not a store: {reason}")]
    NotAStore {
        /// The folder.
        root: Utf8PathBuf,
        /// What was found.
        reason: String,
    },
    /// The store was written by a newer version of this program. Nothing was touched.
    #[error("the {part} of store {root} has format {found}; this program reads formats up to {supported}")]
    NewerFormat {
        /// The store.
        root: Utf8PathBuf,
        /// Which part is newer: the layout or the index.
        part: &'static str,
        /// The version found.
        found: u64,
        /// The newest version that this program understands.
        supported: u64,
    },
    /// The store was written by an older version of this program. Nothing was touched.
    #[error("the {part} of store {root} has format {found}; this program reads format {supported}")]
    OlderFormat {
        /// The store.
        root: Utf8PathBuf,
        /// Which part is older: the layout or the index.
        part: &'static str,
        /// The version found.
        found: u64,
        /// The version that this program understands.
        supported: u64,
    },
    /// The store, or a part of it, cannot be written.
    #[error("the store cannot be written: {path} is read-only for this user")]
    ReadOnly {
        /// The file or folder whose change was refused.
        path: Utf8PathBuf,
    },
    /// The disk, a quota or a file-size limit is exhausted. What was stored before is intact.
    #[error("no space left for {path}")]
    DiskFull {
        /// The file or folder that could not grow.
        path: Utf8PathBuf,
    },
    /// Another process holds what this operation needs alone.
    #[error("store {root} is in use: {what}")]
    Busy {
        /// The store.
        root: Utf8PathBuf,
        /// Who holds what.
        what: &'static str,
    },
    /// No run has this id or prefix.
    #[error("no run has an id that starts with `{prefix}`")]
    UnknownRun {
        /// What was asked for.
        prefix: String,
    },
    /// A prefix fits several runs.
    #[error("`{prefix}` fits {} runs: {}", .candidates.len(), list(.candidates))]
    AmbiguousRun {
        /// What was asked for.
        prefix: String,
        /// All runs that it fits, newest first.
        candidates: Vec<RunId>,
    },
    /// An event is not one JSON value.
    #[error("an event is not JSON")]
    BadEvent(#[source] serde_json::Error),
    /// A value for the memo has no JSON form.
    #[error("a value for the memo cannot be written as JSON")]
    BadValue(#[source] serde_json::Error),
    /// The index file is damaged.
    #[error("the index {path} is damaged")]
    IndexDamaged {
        /// The SQLite file.
        path: Utf8PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The index refused an operation for a reason that this program did not foresee.
    #[error("the index {path} failed")]
    Index {
        /// The SQLite file.
        path: Utf8PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Any other failure of a file operation.
    #[error("cannot {doing} {path}")]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: Utf8PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl StoreError {
    /// Who has to act.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NotInTree { .. }
            | Self::WrongKind { .. }
            | Self::Unsupported { .. }
            | Self::DestinationExists { .. }
            | Self::NotAStore { .. }
            | Self::PathTooLong { .. }
            | Self::UnknownRun { .. }
            | Self::AmbiguousRun { .. } => ErrorClass::User,
            Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::NewerFormat { .. }
            | Self::OlderFormat { .. }
            | Self::ReadOnly { .. }
            | Self::DiskFull { .. }
            | Self::Busy { .. }
            | Self::Gone { .. }
            | Self::IndexDamaged { .. }
            | Self::Io { .. } => ErrorClass::Environment,
            Self::Index { source, .. } if is_environmental(source) => ErrorClass::Environment,
            Self::BadManifest { .. }
            | Self::NotInScratch { .. }
            | Self::BadEvent(_)
            | Self::BadValue(_)
            | Self::Index { .. } => ErrorClass::Internal,
        }
    }

    /// What to do about the error, as one sentence without a final period.
    pub fn remedy(&self) -> String {
        match self {
            Self::Corrupt { .. } => {
                "run again: the object is set aside in `corrupt/` and computed anew; check the disk if this \
                 repeats"
                    .into()
            }
            Self::Missing { .. } => "run the recipe again: the step that makes the object is repeated".into(),
            Self::NotInTree { .. } => "name a file that the tree lists".into(),
            Self::WrongKind { wanted, .. } => format!("give the hash of a {wanted}"),
            Self::BadManifest { .. } | Self::NotInScratch { .. } | Self::BadEvent(_) | Self::BadValue(_) => {
                "this is a fault of the program; please report it".into()
            }
            Self::Unsupported { .. } => {
                "store only regular files and folders whose names are printable UTF-8 without backslashes"
                    .into()
            }
            Self::DestinationExists { path } => format!("remove {path} or choose another destination"),
            Self::NotAStore { .. } => "choose an empty or new folder for the store".into(),
            Self::NewerFormat { .. } => {
                "use the newer version of the program that wrote it, or choose another store; nothing was \
                 changed"
                    .into()
            }
            Self::OlderFormat { root, .. } => format!(
                "remove {root}, and a run makes it anew, or choose another store; the version of the program \
                 that wrote it can still read it"
            ),
            Self::ReadOnly { path } => {
                format!("make {path} writable for this user, or choose another store")
            }
            Self::DiskFull { .. } => {
                "free some space (`assay store gc` lists what the store can spare) and run again; finished \
                 work is kept"
                    .into()
            }
            Self::Busy { .. } => "wait for the other run to end, then try again".into(),
            Self::UnknownRun { .. } => "list the runs and use a prefix of one id".into(),
            Self::AmbiguousRun { .. } => "give more letters of the id".into(),
            Self::PathTooLong { .. } => "choose a shorter path for the store with --store".into(),
            Self::Gone { root } => format!("put {root} back, or run again to make a new one"),
            Self::IndexDamaged { .. } => {
                "run again: the index is set aside in `corrupt/` and made anew from the journal; check the disk if \
                 this repeats"
                    .into()
            }
            Self::Index { path, source } if is_environmental(source) => {
                format!("check {path} and the disk that it is on")
            }
            Self::Index { .. } => "run again; please report it if it repeats".into(),
            Self::Io { path, .. } => format!("check {path} and the disk that it is on"),
        }
    }

    /// Maps the failure of an operation that changes files.
    pub(crate) fn write(doing: &'static str, path: &Utf8Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path }
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly { path },
            _ => Self::Io { doing, path, source },
        }
    }

    /// Maps the failure of an operation that only reads.
    pub(crate) fn read(doing: &'static str, path: &Utf8Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// Maps a failure of SQLite on the index at `path`.
    pub(crate) fn index(path: &Utf8Path, source: rusqlite::Error) -> Self {
        use rusqlite::{ErrorCode as Code, ffi};
        let path = path.to_owned();
        if is_damage(&source) {
            return Self::IndexDamaged { path, source };
        }
        match source.sqlite_error_code() {
            Some(Code::DiskFull) => Self::DiskFull { path },
            // The file that processes share beside the index cannot grow.
            Some(_) if source.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => {
                Self::DiskFull { path }
            }
            Some(Code::ReadOnly | Code::PermissionDenied) => Self::ReadOnly { path },
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy {
                root: path.parent().unwrap_or(&path).to_owned(),
                what: "another process has been writing to its index for too long",
            },
            _ => Self::Index { path, source },
        }
    }

    /// Adds the tree member through which an object was reached.
    pub(crate) fn reached_through(mut self, rel: &str) -> Self {
        if let Self::Corrupt { member, .. } | Self::Missing { member, .. } = &mut self {
            *member = Some(rel.to_owned());
        }
        self
    }
}

/// Whether SQLite failed, or a row cannot be read, because the file is not what was written. All statements are fixed, so one
/// that SQLite cannot understand, or a rule of the schema that is broken, means that the schema or a row is damaged.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::{Error, ErrorCode as Code, ffi};
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        Error::SqliteFailure(code, _) => {
            matches!(
                code.code,
                Code::DatabaseCorrupt
                    | Code::NotADatabase
                    | Code::Unknown
                    | Code::ConstraintViolation
                    | Code::TypeMismatch
                    | Code::TooBig
            ) || code.extended_code == ffi::SQLITE_IOERR_SHORT_READ
        }
        Error::SqlInputError { .. } => true,
        _ => false,
    }
}

/// Whether SQLite failed because of the file system or the machine rather than because of what it was asked.
fn is_environmental(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(
        error.sqlite_error_code(),
        Some(Code::CannotOpen | Code::SystemIoFailure | Code::FileLockingProtocolFailed | Code::OutOfMemory)
    )
}

fn member_note(member: &Option<String>) -> String {
    member.as_ref().map(|path| format!(" (file `{path}` of a tree)")).unwrap_or_default()
}

fn list(runs: &[RunId]) -> String {
    runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(error: &StoreError) -> &'static str {
        match error {
            StoreError::DiskFull { .. } => "disk full",
            StoreError::ReadOnly { .. } => "read-only",
            StoreError::Busy { .. } => "busy",
            StoreError::IndexDamaged { .. } => "damaged",
            StoreError::Index { .. } => "index",
            StoreError::Io { .. } => "io",
            _ => "other",
        }
    }

    /// Linux error numbers, as the kernel returns them.
    #[test]
    #[cfg(target_os = "linux")]
    fn error_numbers_map_to_what_the_user_must_do() {
        for (errno, expect) in [
            (28, "disk full"),  // ENOSPC
            (122, "disk full"), // EDQUOT
            (27, "disk full"),  // EFBIG
            (30, "read-only"),  // EROFS
            (13, "read-only"),  // EACCES
            (1, "read-only"),   // EPERM
            (5, "io"),          // EIO
            (20, "io"),         // ENOTDIR
        ] {
            let error = StoreError::write("write", Utf8Path::new("/x"), io::Error::from_raw_os_error(errno));
            assert_eq!(kind_of(&error), expect, "errno {errno}");
            assert_eq!(error.class(), ErrorClass::Environment);
        }
    }

    #[test]
    fn sqlite_codes_map_to_what_the_user_must_do() {
        use rusqlite::ffi;
        for (code, expect) in [
            (ffi::SQLITE_FULL, "disk full"),
            (ffi::SQLITE_IOERR_SHMSIZE, "disk full"),
            (ffi::SQLITE_IOERR_SHORT_READ, "damaged"),
            (ffi::SQLITE_ERROR, "damaged"),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, "damaged"),
            (ffi::SQLITE_READONLY, "read-only"),
            (ffi::SQLITE_READONLY_DIRECTORY, "read-only"),
            (ffi::SQLITE_BUSY, "busy"),
            (ffi::SQLITE_CORRUPT, "damaged"),
            (ffi::SQLITE_NOTADB, "damaged"),
            (ffi::SQLITE_CANTOPEN, "index"),
            (ffi::SQLITE_IOERR_WRITE, "index"),
            (ffi::SQLITE_MISUSE, "index"),
        ] {
            let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = StoreError::index(Utf8Path::new("/x/index.sqlite"), source);
            assert_eq!(kind_of(&error), expect, "{code}");
            let ours = code == ffi::SQLITE_MISUSE;
            let class = if ours { ErrorClass::Internal } else { ErrorClass::Environment };
            assert_eq!(error.class(), class, "{code}");
        }
    }
}
