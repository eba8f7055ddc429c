//! The paper: posterior, weights, estimators, benchmarks, statistics and claims.
//!
//! - [`inference`]: the method's arithmetic, statistics and claims, as pure functions;
//! - [`steps`]: the step kinds that recipes name, built on both;
//! - [`records`]: the lines of the artefacts that pass between steps;
//! - [`table`]: one table of the paper, recomputed.

mod fingerprint;
pub mod inference;
pub mod records;
pub mod steps;
pub mod table;
