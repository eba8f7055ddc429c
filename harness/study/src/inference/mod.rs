//! Statistics, estimators, weights and claims: pure functions on numbers.
//!
//! - [`posterior`]: how a thinking trace is weighed, after arXiv 2509.22637;
//! - [`diagnostics`]: what the traces and weights of a run look like;
//! - [`pass_at_k`], [`interval`], [`student`]: item-level statistics;
//! - [`scores`]: measured scores of a table, and estimates from them;
//! - [`claims`]: statements about cells, and whether the measured scores replicate them;
//! - [`printed`]: the arithmetic of a table as printed.

pub mod claims;
pub mod diagnostics;
pub mod interval;
pub mod names;
pub mod pass_at_k;
pub mod posterior;
pub mod printed;
pub mod scores;
pub mod student;
