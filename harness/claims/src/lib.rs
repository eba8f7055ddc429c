//! Printed tables and their audit, scores and intervals, claims and their outcomes.
//!
//! Useful for any paper, with or without a model: nothing here knows where scores come from or how a page
//! looks.
//!
//! - [`printed`]: the arithmetic of a table as printed;
//! - [`scores`]: measured scores of a table, and estimates from them; [`pass_at_k`], [`interval`] and
//!   [`student`] are the statistics behind them;
//! - [`claim`]: statements about cells, and what comes of them;
//! - [`table`]: one table of a paper, recomputed: what a recipe says of it and what was measured, put
//!   together;
//! - [`section`]: text, small tables and plots beside it;
//! - [`Assurance`]: how much was done anew for a number.

mod assurance;
pub mod claim;
pub mod interval;
mod names;
pub mod pass_at_k;
pub mod printed;
mod quantity;
pub mod scores;
pub mod section;
pub mod student;
pub mod table;

pub use assurance::Assurance;
pub use quantity::Quantity;
