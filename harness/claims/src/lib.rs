//! Printed tables and their audit, scores and intervals, claims and their outcomes.
//!
//! Useful for any paper, with or without a model: nothing here knows where scores come from or how a page
//! looks.
//!
//! - [`printed`]: a table as printed, and what arithmetic says about its cells; [`audit`]: the findings over one
//!   or many printed tables, and tables of other papers read from files;
//! - [`scores`]: measured scores of a table, and estimates from them; [`pass_at_k`], [`interval`], [`variance`],
//!   [`spread`], [`proportion`], [`student`], [`power`] and [`multiplicity`] are the statistics behind them;
//! - [`claim`]: statements about cells, and what comes of them;
//! - [`compare`]: measured values against earlier ones of the same cells;
//! - [`table`]: one table of a paper, recomputed: what a recipe says of it and what was measured, put
//!   together;
//! - [`section`]: text, small tables and plots beside it;
//! - [`Assurance`]: how much was done anew for a number.

mod assurance;
pub mod audit;
pub mod claim;
pub mod compare;
mod decimal;
pub mod interval;
pub mod multiplicity;
mod names;
pub mod pass_at_k;
pub mod pooled;
pub mod power;
pub mod printed;
pub mod proportion;
mod quantity;
pub mod scores;
pub mod section;
pub mod spread;
pub mod student;
pub mod table;
pub mod variance;

pub use assurance::Assurance;
pub use quantity::Quantity;
