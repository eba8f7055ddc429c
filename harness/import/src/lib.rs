//! Scores from elsewhere: logs of other tools become questions, samples and scores, with coverage checked first.
//!
//! [`read_log`] reads one file of a [`Format`]; [`Import::new`] puts the logs of one model and one benchmark
//! together and refuses them unless they hold exactly the questions and samples that are expected; the result is
//! written as a file of its own ([`Import::to_text`]), read back and verified ([`Import::read`]), and becomes an
//! [`Evaluation`](assay_claims::table::Evaluation) of a table's row.
//!
//! A sample that was not scored is never wrong: it is kept apart with its reason.

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
pub use file::{FORMAT, Header, Source, VERSION};
pub use format::Format;
pub use read::{Log, Options, read_log};
pub use sample::{LogSample, Outcome, Record, Unscored};
pub use summary::Summary;
