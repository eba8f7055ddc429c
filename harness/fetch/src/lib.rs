//! What other machines have: files that a lock pins, and answers of servers.
//!
//! A [`Wheel`] names a file of a package index by its hashes. A [`Fetcher`] gives its path in a folder of downloads: it is
//! fetched through pip, whose settings for indexes, mirrors and proxies are honoured, if it is not there, and checked
//! either way. A [`HubFile`] names a file of a repository on the [`Hub`] of Hugging Face in the same way. A [`Server`] is
//! asked in JSON over HTTP. Nothing here knows what files and answers are for.

mod child;
mod error;
mod http;
mod hub;
mod wheel;

use std::time::Duration;

pub use error::FetchError;
pub use http::{HttpError, Server};
pub use hub::{Hub, HubFile, HubPath, is_commit};
pub use wheel::{DOWNLOAD_PREFIX, Fetcher, Tags, Tools, Wheel};

/// How often it is looked whether a program has ended or is to be stopped.
const WATCH: Duration = Duration::from_millis(50);
