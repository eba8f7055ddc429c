//! Claims: statements about the cells of a table, and their outcomes.
//!
//! ```text
//! claim       = alternative { "or" alternative }          one of them holds
//! alternative = statement { "and" statement }             all of them hold
//! statement   = comparison | "ranks" "(" sum { "," sum } ")"
//! comparison  = sum ( ">" | "<" | ">=" | "<=" ) sum
//!             | sum "~" sum "within" number
//! sum         = product { ( "+" | "-" ) product }
//! product     = factor { ( "*" | "/" ) factor }
//! factor      = "-" factor | "(" sum ")" | "|" sum "|" | number | cell
//!             | "avg" "(" sum { "," sum } ")"
//!             | "slope" "(" sum "at" number { "," sum "at" number } ")"
//! cell        = name "." name                              row, then column, group or named mean
//! name        = letter { letter | digit | "_" | "-" }      or any text in double quotes
//! ```
//!
//! A dash followed by a letter or a digit belongs to the name before it, so that `acc.LCB-E` is one cell; a
//! subtraction has spaces around it, `acc.general - l.general`. Names that start with a digit, hold other
//! characters, or are `and`, `or`, `within` or `at`, are quoted: `"7B-1K".math`. Cells are percentages, so
//! `acc.math ~ gml.math within 2` speaks of percentage points.
//!
//! `ranks(a, b, c)` is `a > b and b > c`. `slope(k1.math at 1, k2.math at 2, k4.math at 4)` is the change that each
//! doubling brings: the least-squares slope over log2 of the numbers behind `at`. `|a - b| < 2` and `2 > |a - b|` are
//! `a ~ b within 2`; a tolerance is above 0.
//! `>=` and `<=` differ from `>` and `<` for printed values only, where equal numbers are possible.
//!
//! - [`Claim`] parses and prints; [`Claim::check_names`] finds unknown rows and columns before anything runs;
//! - [`as_measured`] holds the claims of a table against measured scores, by its [`Rules`];
//! - [`as_printed`] holds a claim against the paper's own numbers.

mod ast;
mod error;
mod lexer;
mod measured;
mod outcome;
mod parser;
mod printed;
mod range;
mod rules;
mod span;

pub use ast::{BinaryOperator, Cell, Claim, Comparison, Expression, Relation, UnknownName};
pub use error::{ParseError, ParseErrorKind};
pub use measured::{MeasuredClaim, MeasuredComparison, as_measured, estimate};
pub use outcome::{Evidence, Outcome, Reason};
pub use printed::{
    AsPrinted, PrintedClaim, PrintedComparison, PrintedNumber, as_printed, printed_comparison,
};
pub(crate) use rules::percent;
pub use rules::{Rules, Share};
pub use span::Span;
