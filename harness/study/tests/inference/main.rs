//! The statistics of the study through its public functions.
#![expect(clippy::unwrap_used, reason = "tests")]

mod claims_language;
mod claims_verdicts;
mod diagnostics;
mod intervals;
mod pass_at_k;
mod posterior;
mod printed;
mod scores;
mod support;
