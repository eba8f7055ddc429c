//! Why something cannot be imported.

use std::fmt;
use std::io;

use crate::coverage::Coverage;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named; an entry of an archive follows after `!`.
    pub file: String,
    /// Line, from 1; 0 where it is not known.
    pub line: u64,
    /// Column, from 1; 0 where it is not known.
    pub column: u64,
}

impl Place {
    /// A line of a file.
    pub(crate) fn line(file: &str, line: u64) -> Self {
        Self { file: file.to_owned(), line, column: 0 }
    }
}

impl fmt::Display for Place {
    /// `FILE:LINE:COLUMN`, as far as it is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().take_while(|number| *number > 0) {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

/// Why something cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("{file} cannot be read")]
    Read {
        /// The file.
        file: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The content of a file is not what its format asks for.
    #[error("{place}: {message}")]
    Content {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The log has several metrics and none was chosen, or it lacks the one that was.
    #[error("{file} has {}", metrics(known, wanted.as_deref()))]
    Metric {
        /// The file.
        file: String,
        /// The one that was asked for.
        wanted: Option<String>,
        /// The log's metrics, sorted.
        known: Vec<String>,
    },
    /// The log is of another benchmark.
    #[error("{file} is a log of `{found}`, not of `{expected}`")]
    OtherBenchmark {
        /// The file.
        file: String,
        /// What the log says.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// Two files have the same content.
    #[error("{second} has the same content as {first}: its samples would count twice")]
    SameFile {
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// A sample occurs twice in one file, or in two that number their samples.
    #[error("{second}: sample {sample} of question `{question}` is already at {first}")]
    Duplicate {
        /// The question.
        question: String,
        /// The sample, as the file numbers it.
        sample: u32,
        /// Where it is first.
        first: Place,
        /// Where it is again.
        second: Place,
    },
    /// The logs do not hold what is expected.
    #[error("not comparable: {0}")]
    NotComparable(Box<Coverage>),
}

/// Says that the wanted metric is absent, or that there are several, and names those of the log.
fn metrics(known: &[String], wanted: Option<&str>) -> String {
    let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match wanted {
        Some(wanted) if known.is_empty() => format!("no metric `{wanted}`, and no other metric"),
        Some(wanted) => format!("no metric `{wanted}`; it has {known}"),
        None => format!("several metrics: {known}"),
    }
}

impl ImportError {
    /// What to do about it, as a fragment.
    #[must_use]
    pub fn remedy(&self) -> &str {
        match self {
            Self::Read { .. } => "check the path and its permissions",
            Self::Content { remedy, .. } => remedy,
            Self::Metric { .. } => "choose one with --metric NAME",
            Self::OtherBenchmark { .. } => {
                "name the log of this benchmark; if the log has another name for it, give that name with --task NAME"
            }
            Self::SameFile { .. } => "name each log once",
            Self::Duplicate { .. } => {
                "each sample of a question has a number of its own: remove what is repeated, or number the samples of the \
                 second file on"
            }
            Self::NotComparable(_) => {
                "give the logs of all questions and samples, or correct --questions, --ids and --samples if these are wrong"
            }
        }
    }
}

/// An error about content.
pub(crate) fn content(place: Place, message: impl Into<String>, remedy: &'static str) -> ImportError {
    ImportError::Content { place, message: message.into(), remedy }
}

/// An error of reading a file.
pub(crate) fn unreadable(file: &str) -> impl FnOnce(io::Error) -> ImportError {
    let file = file.to_owned();
    move |source| ImportError::Read { file, source }
}
