//! Statistics, claims and tables through their public functions.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod audit_files;
mod claims_language;
mod claims_measured;
mod compare;
mod intervals;
mod layouts;
mod pass_at_k;
mod printed;
mod scores;
mod small;
mod statistics;
mod support;
mod tables;
