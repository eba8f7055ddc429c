//! The variational method of the paper: posterior, weights, estimators, baselines, and the step kinds that
//! recipes name.
//!
//! - [`inference`]: the method's arithmetic, as pure functions;
//! - [`steps`]: the step kinds;
//! - [`records`]: the lines of the artefacts that pass between steps.
//!
//! Nothing here knows a token, how bytes are stored, how a page looks, or which world an item is from.

mod engines;
pub mod inference;
pub mod records;
mod sections;
pub mod steps;
