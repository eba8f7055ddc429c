//! Reads scores from the logs of other tools, after a check that the logs hold every question and sample.
//!
//! [`read_log`] reads one file of a [`Format`]. [`Import::new`] joins the logs of one model and one benchmark, and
//! refuses them unless they hold exactly the expected questions and samples. [`Import::to_text`] gives the text of a
//! file that keeps the result; [`Import::read`] reads and verifies such a file. [`Import::evaluation`] makes an
//! [`Evaluation`](assay_claims::table::Evaluation) of it, for a table's row.
//!
//! A sample without a score does not count as wrong: it is counted apart, with the reason.

mod coverage;
mod error;
mod file;
mod format;
mod json;
mod read;
mod sample;
mod summary;
mod zip;

pub use coverage::{Coverage, Expected, Import, Questions};
pub use error::{ImportError, Place};
pub use file::{FORMAT, Header, Source, file_schema};
pub use format::Format;
pub use read::{Log, Options, read_log};
pub use sample::{LogSample, Outcome, Record, Unscored};
pub use summary::{CALL_FORMAT, Call, Summary};
