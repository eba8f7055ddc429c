//! What can go wrong with items and demonstrations.

use std::fmt;
use std::io;

use assay_sandbox::rows::RowsError;
use assay_store::ErrorClass;
use camino::Utf8PathBuf;

use crate::Fault;
use crate::embedded::TaskError;

/// A line of a file, or a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: Utf8PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1, where it is known.
    pub column: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.path, self.line)?;
        match self.column {
            Some(column) => write!(out, ":{column}"),
            None => Ok(()),
        }
    }
}

/// Why items or demonstrations cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is outside the workspace, whose files alone a run keeps track of.
    #[error("{path} is not a path inside the workspace")]
    Outside {
        /// The path as the recipe has it.
        path: Utf8PathBuf,
    },
    /// The file is not UTF-8.
    #[error("{place}: the line is not UTF-8")]
    Encoding {
        /// The first line that is not.
        place: Place,
    },
    /// A line is not an item, or not a demonstration.
    #[error("{place}: {message}")]
    Form {
        /// The line.
        place: Place,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// An item contradicts itself.
    #[error("{place}: item `{id}`: {fault}")]
    Item {
        /// The line.
        place: Place,
        /// The item.
        id: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Two items of a file have one id.
    #[error("{place}: a second item `{id}`; the first is in line {first}")]
    Twice {
        /// The second one.
        place: Place,
        /// Their id.
        id: String,
        /// The line of the first.
        first: usize,
    },
    /// A demonstration asks what a test item asks.
    #[error("{path}: the demonstration `{id}` asks the question of the test item `{test}`")]
    Leak {
        /// The file.
        path: Utf8PathBuf,
        /// The demonstration's item.
        id: String,
        /// The test item.
        test: String,
    },
    /// There is nothing in the file.
    #[error("{path} holds nothing; expected one JSON object a line")]
    Nothing {
        /// The file.
        path: Utf8PathBuf,
    },
    /// There are fewer than are needed.
    #[error("{what}: {count}, but must be at least {least}")]
    TooFew {
        /// What there are too few of.
        what: String,
        /// How many there are, or were asked for.
        count: usize,
        /// How many are needed.
        least: usize,
    },
    /// A row of a published benchmark makes no item.
    #[error("{path}, row {row}: {message}")]
    Row {
        /// The file.
        path: Utf8PathBuf,
        /// The row, from 1.
        row: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A published benchmark's file cannot be used as a whole.
    #[error("{path}: {message}")]
    Table {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file of problems cannot be read.
    #[error(transparent)]
    Problems(#[from] RowsError),
    /// The embedded world cannot meet a request.
    #[error(transparent)]
    World(#[from] TaskError),
}

impl DataError {
    /// Whose mistake it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Read { source, .. } if source.kind() != io::ErrorKind::NotFound => ErrorClass::Environment,
            _ => ErrorClass::User,
        }
    }

    /// The setting of the embedded world that is wrong, where it is known to be one.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::World(error) => error.setting(),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path; it starts at the workspace"
            }
            Self::Read { .. } => "check the permissions of the file and its folder",
            Self::Outside { .. } => "copy the file into the workspace and name it from there, without `..`",
            Self::Encoding { .. } => "save the file as UTF-8",
            Self::Form { .. } => "write one JSON object a line, as the schemas in `harness/data/schema` say",
            Self::Item { .. } => "correct the item, or leave it out",
            Self::Twice { .. } => "give each item an id of its own",
            Self::Leak { .. } => "leave it out of the demonstrations, or its question out of the test items",
            Self::Nothing { .. } => "check that it is the right file",
            Self::Row { .. } => "correct the templates of the benchmark, or leave the row out by `where`",
            Self::Table { .. } => "check `format` and the other parameters of the benchmark against the file",
            Self::Problems(error) => error.remedy(),
            Self::TooFew { .. } => "ask for more, or add some to the file",
            Self::World(TaskError::OfDemonstrations { .. } | TaskError::OfItems { .. }) => {
                "leave the setting out of this source"
            }
            Self::World(_) => "ask for fewer questions, or exclude fewer",
        }
    }
}
