//! The paper: tasks, posterior, weights, estimators.
//!
//! - [`tasks`]: the embedded-scale world of questions, teacher and verifiers;
//! - [`inference`]: the method's arithmetic, as pure functions;
//! - [`steps`]: the step kinds that recipes name, built on both;
//! - [`records`]: the lines of the artefacts that pass between steps;
//! - [`sections`]: diagnostics as sections of a report.

mod fingerprint;
pub mod inference;
pub mod records;
pub mod sections;
pub mod steps;
pub mod tasks;
