//! The statistics of the study through its public functions.
#![expect(clippy::unwrap_used, reason = "tests")]

mod diagnostics;
mod posterior;
mod support;
