//! Claims: statements about the cells of a table, and their outcomes.
//!
//! ```text
//! claim      = comparison { "and" comparison }
//! comparison = sum ( ">" | "<" ) sum
//!            | sum "~" sum "within" number
//! sum        = product { ( "+" | "-" ) product }
//! product    = factor { ( "*" | "/" ) factor }
//! factor     = "-" factor | "(" sum ")" | number | cell
//! cell       = name "." name                              row, then column
//! name       = letter { letter | digit | "_" | "-" }      or any text in double quotes
//! ```
//!
//! A dash followed by a letter or a digit belongs to the name before it, so that `acc.LCB-E` is one cell; a
//! subtraction has spaces around it, `acc.general - l.general`. Names that start with a digit, hold other
//! characters, or are `and` or `within`, are quoted: `"7B-1K".math`. Cells are percentages, so
//! `acc.math ~ gml.math within 2` speaks of percentage points.
//!
//! - [`Claim`] parses and prints; [`Claim::check_names`] finds unknown rows and columns before anything runs;
//! - [`as_measured`] holds a claim against measured scores;
//! - [`as_printed`] holds it against the paper's own numbers.

mod ast;
mod error;
mod lexer;
mod measured;
mod outcome;
mod parser;
mod printed;
mod span;

pub use ast::{BinaryOperator, Cell, Claim, Comparison, Expression, Relation, UnknownName};
pub use error::{ParseError, ParseErrorKind};
pub use measured::{MeasuredClaim, MeasuredComparison, as_measured, estimate};
pub use outcome::{Outcome, Reason};
pub use printed::{AsPrinted, PrintedClaim, PrintedComparison, as_printed};
pub use span::Span;
