//! Imports through the public surface, on small files of each format's shape.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod archive;
mod coverage;
mod files;
mod formats;
mod support;
