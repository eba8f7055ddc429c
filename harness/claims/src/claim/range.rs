//! The values that an expression can have when its cells have ranges.

use super::ast::{BinaryOperator, Comparison, Expression, Relation, slope_weights};
use crate::scores::CellId;

/// The least and the largest value.
type Range = (f64, f64);

impl Expression {
    /// The least and the largest value for cells that lie in `ranges`, given in the order of `cells`, by interval arithmetic
    /// (Moore 1966, "Interval Analysis"): exact if every cell stands once in the expression, else perhaps too wide. Infinite
    /// where a divisor may be zero, NaN for a cell that is not among them.
    pub fn range(&self, cells: &[CellId], ranges: &[Range]) -> Range {
        let of = |expression: &Self| expression.range(cells, ranges);
        match self {
            Self::Number(value) => (*value, *value),
            Self::Cell(cell) => {
                let at = cells.iter().position(|id| *id == cell.id);
                at.and_then(|at| ranges.get(at).copied()).unwrap_or((f64::NAN, f64::NAN))
            }
            Self::Negate(inner) => scaled(of(inner), -1.0),
            Self::Absolute(inner) => {
                let (low, high) = of(inner);
                let far = low.abs().max(high.abs());
                let near = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
                (near, far)
            }
            Self::Average(terms) => sum(terms.iter().map(|term| scaled(of(term), 1.0 / terms.len() as f64))),
            Self::Slope(points) => {
                let weights = slope_weights(points);
                sum(points.iter().zip(weights).map(|((term, _), weight)| scaled(of(term), weight)))
            }
            Self::Binary(operator, left, right) => {
                let (left, right) = (of(left), of(right));
                match operator {
                    BinaryOperator::Add => sum([left, right].into_iter()),
                    BinaryOperator::Subtract => sum([left, scaled(right, -1.0)].into_iter()),
                    BinaryOperator::Multiply => product(left, right),
                    BinaryOperator::Divide if right.0 <= 0.0 && right.1 >= 0.0 && right.0 < right.1 => {
                        (f64::NEG_INFINITY, f64::INFINITY)
                    }
                    BinaryOperator::Divide => product(left, (1.0 / right.1, 1.0 / right.0)),
                }
            }
        }
    }
}

impl Comparison {
    /// The least and the largest [margin](Comparison::margin) for cells that lie in `ranges`.
    pub fn margin_range(&self, cells: &[CellId], ranges: &[Range]) -> Range {
        let (left, right) = (self.left.range(cells, ranges), self.right.range(cells, ranges));
        let (from, taken) = match self.relation {
            Relation::Below | Relation::AtMost => (right, left),
            _ => (left, right),
        };
        sum([from, scaled(taken, -1.0)].into_iter())
    }
}

fn scaled((low, high): Range, by: f64) -> Range {
    if by < 0.0 { (by * high, by * low) } else { (by * low, by * high) }
}

fn sum(ranges: impl Iterator<Item = Range>) -> Range {
    ranges.fold((0.0, 0.0), |(low, high), range| (low + range.0, high + range.1))
}

fn product(left: Range, right: Range) -> Range {
    let all = [left.0 * right.0, left.0 * right.1, left.1 * right.0, left.1 * right.1];
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    (least, all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}
