//! The shape of a claim, its printing, and its value with derivatives.

use std::collections::BTreeSet;
use std::fmt;

use super::lexer;
use super::span::Span;
use crate::names;
use crate::scores::{CellId, Smooth};

/// One or more comparisons, all of which must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// At least one.
    pub comparisons: Vec<Comparison>,
}

/// Two expressions and how they should relate.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Left side.
    pub left: Expression,
    /// What is claimed.
    pub relation: Relation,
    /// Right side.
    pub right: Expression,
}

/// What a comparison claims.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Relation {
    /// `left > right`.
    Above,
    /// `left < right`.
    Below,
    /// `left ~ right within tolerance`: they differ by at most the tolerance (not negative).
    Within(f64),
}

/// Arithmetic over cells.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number, finite and not negative.
    Number(f64),
    /// A cell.
    Cell(Cell),
    /// A change of sign.
    Negate(Box<Expression>),
    /// Two operands.
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
}

/// An operator with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// A reference to a cell, with the places of its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which cell.
    pub id: CellId,
    /// Where the row is named.
    pub row_span: Span,
    /// Where the column is named.
    pub column_span: Span,
}

/// A name that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{name}`{}", .likely.as_ref().map(|l| format!("; did you mean `{l}`?")).unwrap_or_default())]
pub struct UnknownName {
    /// `row` or `column`.
    pub what: &'static str,
    /// The name found.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// The closest known name, if one is close.
    pub likely: Option<String>,
    /// All known names, sorted.
    pub known: Vec<String>,
}

impl Claim {
    /// The cells that the claim speaks of, each once, in order of appearance.
    pub fn cells(&self) -> Vec<CellId> {
        distinct(self.comparisons.iter().flat_map(Comparison::references))
    }

    /// Looks up each name and reports those that are unknown, in order of appearance.
    pub fn check_names(&self, rows: &BTreeSet<String>, columns: &BTreeSet<String>) -> Vec<UnknownName> {
        let mut unknown = Vec::new();
        for cell in self.comparisons.iter().flat_map(Comparison::references) {
            let parts = [
                ("row", &cell.id.row, cell.row_span, rows),
                ("column", &cell.id.column, cell.column_span, columns),
            ];
            for (what, name, span, known) in parts {
                if !known.contains(name) {
                    let likely = names::likely(name, known.iter().map(String::as_str)).map(str::to_owned);
                    let known = known.iter().cloned().collect();
                    unknown.push(UnknownName { what, name: name.clone(), span, likely, known });
                }
            }
        }
        unknown
    }
}

impl Comparison {
    /// The cells on both sides, each once, in order of appearance.
    pub fn cells(&self) -> Vec<CellId> {
        distinct(self.references())
    }

    /// The quantity that the claim bounds, as a function of the cells' percentages given in the order of
    /// `cells`: `left - right`, or `right - left` for [`Relation::Below`].
    pub fn margin(&self, cells: &[CellId], percentages: &[f64]) -> Smooth {
        let left = self.left.evaluate(cells, percentages);
        let right = self.right.evaluate(cells, percentages);
        match self.relation {
            Relation::Above | Relation::Within(_) => {
                combine(&left, &right, left.value - right.value, 1.0, -1.0)
            }
            Relation::Below => combine(&left, &right, right.value - left.value, -1.0, 1.0),
        }
    }

    fn references(&self) -> impl Iterator<Item = &Cell> {
        let mut found = Vec::new();
        self.left.collect(&mut found);
        self.right.collect(&mut found);
        found.into_iter()
    }
}

fn distinct<'a>(cells: impl Iterator<Item = &'a Cell>) -> Vec<CellId> {
    let mut seen = BTreeSet::new();
    cells.filter(|cell| seen.insert(&cell.id)).map(|cell| cell.id.clone()).collect()
}

/// A value of two operands with its partial derivatives by each.
fn combine(left: &Smooth, right: &Smooth, value: f64, by_left: f64, by_right: f64) -> Smooth {
    let slopes = left.gradient.iter().zip(&right.gradient);
    Smooth { value, gradient: slopes.map(|(l, r)| by_left * l + by_right * r).collect() }
}

impl Expression {
    /// The cells referred to, each once, in order of appearance.
    pub fn cells(&self) -> Vec<CellId> {
        let mut found = Vec::new();
        self.collect(&mut found);
        distinct(found.into_iter())
    }

    /// The value and its derivatives for the cells' percentages, given in the order of `cells`. NaN for a
    /// cell that is not among them; not finite after a division by zero.
    pub fn evaluate(&self, cells: &[CellId], percentages: &[f64]) -> Smooth {
        let constant = |value: f64| Smooth { value, gradient: vec![0.0; cells.len()] };
        match self {
            Self::Number(value) => constant(*value),
            Self::Cell(cell) => match cells.iter().position(|id| *id == cell.id) {
                Some(i) => {
                    let mut at = constant(percentages.get(i).copied().unwrap_or(f64::NAN));
                    at.gradient[i] = 1.0;
                    at
                }
                None => constant(f64::NAN),
            },
            Self::Negate(inner) => {
                let inner = inner.evaluate(cells, percentages);
                Smooth { value: -inner.value, gradient: inner.gradient.iter().map(|g| -g).collect() }
            }
            Self::Binary(operator, left, right) => {
                let (left, right) = (left.evaluate(cells, percentages), right.evaluate(cells, percentages));
                let (l, r) = (left.value, right.value);
                match operator {
                    BinaryOperator::Add => combine(&left, &right, l + r, 1.0, 1.0),
                    BinaryOperator::Subtract => combine(&left, &right, l - r, 1.0, -1.0),
                    BinaryOperator::Multiply => combine(&left, &right, l * r, r, l),
                    BinaryOperator::Divide => combine(&left, &right, l / r, 1.0 / r, -l / (r * r)),
                }
            }
        }
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Cell>) {
        match self {
            Self::Number(_) => {}
            Self::Cell(cell) => found.push(cell),
            Self::Negate(inner) => inner.collect(found),
            Self::Binary(_, left, right) => {
                left.collect(found);
                right.collect(found);
            }
        }
    }

    /// How tightly the outermost operator binds.
    fn precedence(&self) -> u8 {
        match self {
            Self::Binary(operator, ..) => operator.precedence(),
            Self::Number(_) | Self::Cell(_) | Self::Negate(_) => 3,
        }
    }

    /// Prints the expression, in parentheses if it binds less tightly than `least`.
    fn print(&self, f: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        if self.precedence() < least {
            f.write_str("(")?;
            self.print(f, 0)?;
            return f.write_str(")");
        }
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Cell(cell) => {
                write!(f, "{}.{}", lexer::quoted(&cell.id.row), lexer::quoted(&cell.id.column))
            }
            Self::Negate(inner) => {
                f.write_str("-")?;
                inner.print(f, 3)
            }
            Self::Binary(operator, left, right) => {
                left.print(f, operator.precedence())?;
                write!(f, " {} ", operator.symbol())?;
                right.print(f, operator.precedence() + 1)
            }
        }
    }
}

impl BinaryOperator {
    fn precedence(self) -> u8 {
        match self {
            Self::Add | Self::Subtract => 1,
            Self::Multiply | Self::Divide => 2,
        }
    }

    fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 0)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.relation {
            Relation::Above => write!(f, "{} > {}", self.left, self.right),
            Relation::Below => write!(f, "{} < {}", self.left, self.right),
            Relation::Within(tolerance) => write!(f, "{} ~ {} within {tolerance}", self.left, self.right),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, comparison) in self.comparisons.iter().enumerate() {
            let separator = if i == 0 { "" } else { " and " };
            write!(f, "{separator}{comparison}")?;
        }
        Ok(())
    }
}
