//! The variational method of the paper: posterior, weights, estimators, baselines, and the step kinds that
//! recipes name.
//!
//! - [`inference`]: the method's arithmetic, as pure functions;
//! - [`figures`]: numbers about models that claims and columns name;
//! - [`steps`]: the step kinds;
//! - [`records`]: the lines of the artefacts that pass between steps;
//! - [`prompts`]: what models were asked, as one hash a benchmark;
//! - [`samples`]: single samples, for people to read.
//!
//! Nothing here knows a token, how bytes are stored, how a page looks, or which world an item is from.

mod engines;
pub mod figures;
pub mod inference;
pub mod prompts;
pub mod records;
pub mod roles;
pub mod samples;
mod sections;
pub mod steps;
