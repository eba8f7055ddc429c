//! Why a file of problems or samples cannot be used.

use std::fmt;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: Utf8PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl Place {
    pub(super) fn new(path: &Utf8Path, line: usize, column: usize) -> Self {
        Place { path: path.to_owned(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// A file of problems or samples that cannot be used: what is wrong and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// The file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a pipe, a socket or a device.
    #[error("{path} is no regular file")]
    NoFile {
        /// What was named.
        path: Utf8PathBuf,
    },
    /// The file is not UTF-8.
    #[error("{place}: the byte {byte:#04x} is not UTF-8")]
    Encoding {
        /// The first byte that is not.
        place: Place,
        /// Its value.
        byte: u8,
    },
    /// The file is packed, or of a form that is no text.
    #[error("{path} is {what}, not text")]
    NoText {
        /// The file.
        path: Utf8PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A line, or an item of the array, is no JSON object.
    #[error("{place}: no row: {message}")]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// What the reader of JSON says.
        message: String,
    },
    /// A row has none of the forms of a problem or a sample.
    #[error("{place}: {message}")]
    Form {
        /// The row.
        place: Place,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A row's id is no text and no integer.
    #[error("{place}: its id `{key}` is {found}")]
    Id {
        /// The row.
        place: Place,
        /// The id's key.
        key: String,
        /// What it holds.
        found: String,
    },
    /// Two rows have one id.
    #[error("{place}: a second {what} `{id}`; the first is in line {first}")]
    Twice {
        /// The second row.
        place: Place,
        /// A problem or a sample.
        what: &'static str,
        /// Their id.
        id: String,
        /// Line of the first row.
        first: usize,
    },
    /// Samples count rows from 0 that go by their number from 1.
    #[error(
        "samples name a problem `0`, and {rows} problems have no id (a `name` aside), so that samples name them by their line, from 1"
    )]
    FromZero {
        /// Problems without an id.
        rows: usize,
    },
    /// There is no row.
    #[error("{path} holds no {what}")]
    Empty {
        /// The file.
        path: Utf8PathBuf,
        /// What was expected.
        what: &'static str,
    },
}

impl RowsError {
    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            RowsError::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "check the name; relative names start at the current folder",
                io::ErrorKind::IsADirectory => "name a file; only samples may be a folder of programs",
                _ => "check the permissions of the file and its folder",
            },
            RowsError::NoFile { .. } => "write what it gives to a file, and name that",
            RowsError::NoText { remedy, .. } => remedy,
            RowsError::Encoding { .. } => "save the file as UTF-8",
            RowsError::Syntax { .. } => "write one JSON object a line, or one array of objects",
            RowsError::Form { .. } => "the schemas in `sandbox/schema` describe the rows that are read",
            RowsError::Id { .. } => "write the id as a text or an integer, or leave the key out",
            RowsError::Twice { .. } => "give each row an id of its own",
            RowsError::FromZero { .. } => {
                "give each problem an `id`, the one that the samples name; or count from 1 in the samples"
            }
            RowsError::Empty { .. } => "check that it is the right file; it needs at least one row",
        }
    }
}
