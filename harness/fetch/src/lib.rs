//! Files that a lock pins, fetched where they are missing.
//!
//! A [`Wheel`] names a file of a package index by its hashes. A [`Fetcher`] gives its path in a folder of downloads: it is
//! fetched through pip, whose settings for indexes, mirrors and proxies are honoured, if it is not there, and checked
//! either way. Nothing here knows what the files are for.

mod child;
mod error;
mod wheel;

use std::time::Duration;

pub use error::FetchError;
pub use wheel::{DOWNLOAD_PREFIX, Fetcher, Tags, Wheel};

/// How often it is looked whether a program has ended or is to be stopped.
const WATCH: Duration = Duration::from_millis(50);
