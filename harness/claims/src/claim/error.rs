//! What can be wrong with a claim's text.

use super::span::Span;

/// Longest claim in bytes. Together with [`MAX_DEPTH`] it bounds the depth of the tree.
pub(super) const MAX_LENGTH: usize = 4096;
/// Deepest nesting of parentheses and signs.
pub(super) const MAX_DEPTH: usize = 64;

/// Why a text is not a claim, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// The bytes at fault; empty at the end of the text when something is missing there.
    pub span: Span,
    /// What is wrong.
    pub kind: ParseErrorKind,
}

/// What is wrong with a claim's text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseErrorKind {
    /// Too many bytes.
    #[error("a claim has at most {MAX_LENGTH} bytes")]
    TooLong,
    /// Too many open parentheses or signs.
    #[error("a claim nests at most {MAX_DEPTH} parentheses and signs")]
    TooDeep,
    /// A character that no claim contains.
    #[error("unexpected character `{0}`")]
    UnexpectedCharacter(char),
    /// A quote without its partner.
    #[error("this quoted name has no closing `\"`")]
    UnclosedQuote,
    /// Two quotes with nothing between them.
    #[error("a name cannot be empty")]
    EmptyName,
    /// A number beyond the range of floating point.
    #[error("this number is too large")]
    NumberTooLarge,
    /// Something else was needed here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What would fit.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// `a.x-b.x`: the dash was read as part of a name.
    #[error("a subtraction needs spaces around its minus: a dash inside a word belongs to the name `{name}`")]
    MinusInName {
        /// The name as read.
        name: String,
    },
    /// `1 > 2`.
    #[error("a comparison needs at least one cell (`row.column`)")]
    NoCell,
    /// `a ~ b within 0`.
    #[error("a tolerance must be above 0: no measurement finds two values to be the same")]
    NoTolerance,
    /// `a > b > c`.
    #[error("comparisons do not chain: write `a > b and b > c`, or `ranks(a, b, c)`")]
    Chained,
    /// A word followed by `(` that is no function.
    #[error("there is no function `{name}`: there are avg, slope and ranks")]
    UnknownFunction {
        /// The word found.
        name: String,
    },
    /// `slope` or `ranks` with one cell.
    #[error("`{function}` needs at least two {of}")]
    TooFew {
        /// The function.
        function: &'static str,
        /// What it takes.
        of: &'static str,
    },
    /// A point of a slope without a logarithm.
    #[error("a slope is over the logarithm to base 2 of what stands behind `at`: it must be above 0")]
    NotPositive,
    /// All points of a slope at one place.
    #[error("a slope needs points at different places")]
    OnePlace,
}
