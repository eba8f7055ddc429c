//! The paper: tasks, posterior, weights, estimators, benchmarks, statistics and claims.
//!
//! - [`tasks`]: the embedded-scale world of questions, teacher and verifiers;
//! - [`inference`]: the method's arithmetic, statistics and claims, as pure functions;
//! - [`steps`]: the step kinds that recipes name, built on both;
//! - [`records`]: the lines of the artefacts that pass between steps;
//! - [`table`]: one table of the paper, recomputed.

mod fingerprint;
pub mod inference;
pub mod records;
pub mod steps;
pub mod table;
pub mod tasks;
