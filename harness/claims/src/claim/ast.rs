//! The shape of a claim, its printing, and its value with derivatives.

use std::collections::BTreeSet;
use std::fmt;

use super::lexer;
use super::span::Span;
use crate::names;
use crate::scores::{CellId, Smooth};

/// Alternatives, of which one must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// At least one, each of at least one comparison, all of which must hold.
    pub alternatives: Vec<Vec<Comparison>>,
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
    /// `left >= right`.
    AtLeast,
    /// `left <= right`.
    AtMost,
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
    /// The distance from zero.
    Absolute(Box<Expression>),
    /// The mean of one or more expressions.
    Average(Vec<Expression>),
    /// The least-squares slope of expressions over the logarithm to base 2 of the numbers beside them, all positive and
    /// not all equal: the change that each doubling brings.
    Slope(Vec<(Expression, f64)>),
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

impl Relation {
    /// What a margin is compared with: 0, or the tolerance for a claim of similarity.
    pub(super) fn threshold(self) -> f64 {
        match self {
            Self::Within(tolerance) => tolerance,
            _ => 0.0,
        }
    }
}

impl Claim {
    /// All comparisons, in order of appearance.
    pub fn comparisons(&self) -> impl Iterator<Item = &Comparison> + Clone {
        self.alternatives.iter().flatten()
    }

    /// The cells that the claim speaks of, each once, in order of appearance.
    pub fn cells(&self) -> Vec<CellId> {
        distinct(self.comparisons().flat_map(Comparison::references))
    }

    /// Each place where a cell is named, in order of appearance.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Cell> {
        self.comparisons().flat_map(Comparison::references)
    }

    /// Looks up each name and reports those that are unknown, in order of appearance.
    pub fn check_names(&self, rows: &BTreeSet<String>, columns: &BTreeSet<String>) -> Vec<UnknownName> {
        let mut unknown = Vec::new();
        for cell in self.comparisons().flat_map(Comparison::references) {
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
    /// `cells`: `left - right`, or `right - left` for [`Relation::Below`] and [`Relation::AtMost`].
    pub fn margin(&self, cells: &[CellId], percentages: &[f64]) -> Smooth {
        let left = self.left.evaluate(cells, percentages);
        let right = self.right.evaluate(cells, percentages);
        match self.relation {
            Relation::Above | Relation::AtLeast | Relation::Within(_) => {
                combine(&left, &right, left.value - right.value, 1.0, -1.0)
            }
            Relation::Below | Relation::AtMost => combine(&left, &right, right.value - left.value, -1.0, 1.0),
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

/// A sum of values, each times a constant.
fn weighted(cells: usize, terms: impl IntoIterator<Item = (f64, Smooth)>) -> Smooth {
    let mut sum = Smooth { value: 0.0, gradient: vec![0.0; cells] };
    for (weight, term) in terms {
        sum.value += weight * term.value;
        sum.gradient.iter_mut().zip(&term.gradient).for_each(|(total, slope)| *total += weight * slope);
    }
    sum
}

/// What each point adds to a least-squares slope over log2 of its place: `(x - mean x) / sum (x - mean x)^2`.
pub(super) fn slope_weights(points: &[(Expression, f64)]) -> Vec<f64> {
    let x: Vec<f64> = points.iter().map(|(_, at)| at.log2()).collect();
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    x.iter().map(|x| (x - mean) / squares).collect()
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
            Self::Absolute(inner) => {
                let inner = inner.evaluate(cells, percentages);
                let sign = if inner.value < 0.0 { -1.0 } else { 1.0 };
                weighted(cells.len(), [(sign, inner)])
            }
            Self::Average(terms) => {
                let weight = 1.0 / terms.len() as f64;
                weighted(cells.len(), terms.iter().map(|term| (weight, term.evaluate(cells, percentages))))
            }
            Self::Slope(points) => {
                let weights = slope_weights(points);
                let terms = points.iter().map(|(term, _)| term.evaluate(cells, percentages));
                weighted(cells.len(), weights.into_iter().zip(terms))
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
            Self::Negate(inner) | Self::Absolute(inner) => inner.collect(found),
            Self::Average(terms) => terms.iter().for_each(|term| term.collect(found)),
            Self::Slope(points) => points.iter().for_each(|(term, _)| term.collect(found)),
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
            _ => 3,
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
            Self::Absolute(inner) => {
                f.write_str("|")?;
                inner.print(f, 0)?;
                f.write_str("|")
            }
            Self::Average(terms) => {
                f.write_str("avg(")?;
                for (i, term) in terms.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    term.print(f, 0)?;
                }
                f.write_str(")")
            }
            Self::Slope(points) => {
                f.write_str("slope(")?;
                for (i, (term, at)) in points.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    term.print(f, 0)?;
                    write!(f, " at {at}")?;
                }
                f.write_str(")")
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
            Relation::AtLeast => write!(f, "{} >= {}", self.left, self.right),
            Relation::AtMost => write!(f, "{} <= {}", self.left, self.right),
            Relation::Within(tolerance) => write!(f, "{} ~ {} within {tolerance}", self.left, self.right),
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, alternative) in self.alternatives.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " or " })?;
            for (j, comparison) in alternative.iter().enumerate() {
                f.write_str(if j == 0 { "" } else { " and " })?;
                write!(f, "{comparison}")?;
            }
        }
        Ok(())
    }
}
