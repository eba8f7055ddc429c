//! Statistics, claims and tables through their public functions.
#![expect(clippy::unwrap_used, reason = "tests")]

mod audit;
mod audit_files;
mod audit_kinds;
mod claims_language;
mod claims_measured;
mod compare;
mod curves;
mod ends;
mod gates;
mod intervals;
mod layouts;
mod measures;
mod pass_at_k;
mod printed;
mod scores;
mod small;
mod statistics;
mod support;
mod tables;
