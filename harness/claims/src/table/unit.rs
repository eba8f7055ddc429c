//! The unit in which a comparison is reported, and on which side its constant stands.

use super::{Layout, Threshold, Unit};
use crate::claim::{BinaryOperator, Comparison, Expression, Relation};
use crate::quantity::Quantity;

/// How the margin of a comparison is shown: as the quantity that is compared with a constant where one side is a constant,
/// else as the difference of the two sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) unit: Unit,
    pub(super) threshold: Threshold,
    /// The quantity is `sign * margin + offset`; the sign is 1 or -1.
    sign: f64,
    offset: f64,
}

impl Shown {
    pub(super) fn of(comparison: &Comparison, layout: &Layout) -> Self {
        let Comparison { left, relation, right } = comparison;
        let dimension = |expression| dimension(expression, layout);
        let difference = |threshold| Self {
            unit: subtracted(dimension(left), dimension(right)).unit(),
            threshold,
            sign: 1.0,
            offset: 0.0,
        };
        let above = match relation {
            Relation::Within(margin) => return difference(Threshold::Within { margin: *margin }),
            Relation::Above | Relation::AtLeast => true,
            Relation::Below | Relation::AtMost => false,
        };
        let (quantity, bound, above) = match (constant(left), constant(right)) {
            (None, Some(bound)) => (left, bound, above),
            (Some(bound), None) => (right, bound, !above),
            _ => return difference(Threshold::Above { bound: 0.0 }),
        };
        let (threshold, sign) = match above {
            true => (Threshold::Above { bound }, 1.0),
            false => (Threshold::Below { bound }, -1.0),
        };
        Self { unit: dimension(quantity).unit(), threshold, sign, offset: bound }
    }

    pub(super) fn value(&self, margin: f64) -> f64 {
        self.sign * margin + self.offset
    }

    /// A range of margins.
    pub(super) fn range(&self, (low, high): (f64, f64)) -> (f64, f64) {
        let ends = (self.value(low), self.value(high));
        if self.sign < 0.0 { (ends.1, ends.0) } else { ends }
    }

    pub(super) fn quantity(&self, margin: Quantity) -> Quantity {
        let (low, high) = self.range((margin.low, margin.high));
        let per_seed = margin.per_seed.iter().map(|(seed, value)| (*seed, self.value(*value))).collect();
        Quantity { value: self.value(margin.value), low, high, per_seed, ..margin }
    }
}

/// The value of an expression without cells.
fn constant(expression: &Expression) -> Option<f64> {
    expression.cells().is_empty().then(|| expression.evaluate(&[], &[]).value)
}

/// What kind of number an expression has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dimension<'l> {
    /// A constant, which takes the unit of what it stands beside.
    Number,
    /// A share in percent.
    Percent,
    /// A difference of such shares.
    Points,
    /// An amount in a unit, which is empty where it has none or mixes several.
    Amount(&'l str),
    /// A difference of such amounts.
    Difference(&'l str),
    /// A quotient.
    Ratio,
}

impl Dimension<'_> {
    fn unit(self) -> Unit {
        match self {
            Self::Percent => Unit::Percent,
            Self::Points => Unit::Points,
            Self::Amount(unit) => Unit::Amount(unit.to_owned()),
            Self::Difference(unit) => Unit::Difference(unit.to_owned()),
            Self::Number | Self::Ratio => Unit::Ratio,
        }
    }
}

fn dimension<'l>(expression: &Expression, layout: &'l Layout) -> Dimension<'l> {
    let of = |expression: &Expression| dimension(expression, layout);
    match expression {
        Expression::Number(_) => Dimension::Number,
        Expression::Cell(cell) => match layout.amount(&cell.id.column) {
            Some(unit) => Dimension::Amount(unit),
            None => Dimension::Percent,
        },
        Expression::Negate(inner) | Expression::Absolute(inner) => of(inner),
        Expression::Average(terms) => terms.iter().map(of).reduce(added).unwrap_or(Dimension::Number),
        Expression::Slope(points) => {
            let terms = points.iter().map(|(term, _)| of(term));
            match terms.reduce(added) {
                Some(Dimension::Ratio) => Dimension::Ratio,
                Some(Dimension::Amount(unit) | Dimension::Difference(unit)) => Dimension::Difference(unit),
                _ => Dimension::Points,
            }
        }
        Expression::Binary(operator, left, right) => {
            let (left, right) = (of(left), of(right));
            match operator {
                BinaryOperator::Add => added(left, right),
                BinaryOperator::Subtract => match right {
                    Dimension::Percent | Dimension::Amount(_) => subtracted(left, right),
                    _ => added(left, right),
                },
                BinaryOperator::Multiply => match (left, right) {
                    (Dimension::Number | Dimension::Ratio, other) | (other, Dimension::Number) => other,
                    (other, _) => other,
                },
                BinaryOperator::Divide => match right {
                    Dimension::Number => left,
                    _ => Dimension::Ratio,
                },
            }
        }
    }
}

/// The dimension of a sum, whose constants take that of the rest.
fn added<'l>(left: Dimension<'l>, right: Dimension<'l>) -> Dimension<'l> {
    use Dimension::{Amount, Difference, Number, Percent, Points, Ratio};
    match (left, right) {
        (Number, Number) => Number,
        (Amount(_) | Difference(_), Percent | Points) | (Percent | Points, Amount(_) | Difference(_)) => {
            Amount("")
        }
        (Amount(one) | Difference(one), Amount(other) | Difference(other)) if one != other => Amount(""),
        (Amount(unit), _) | (_, Amount(unit)) => Amount(unit),
        (Difference(unit), _) | (_, Difference(unit)) => Difference(unit),
        (Percent, _) | (_, Percent) => Percent,
        (Points, _) | (_, Points) => Points,
        (Ratio, _) | (_, Ratio) => Ratio,
    }
}

/// The dimension of a difference: that of two shares is in points.
fn subtracted<'l>(left: Dimension<'l>, right: Dimension<'l>) -> Dimension<'l> {
    match added(left, right) {
        Dimension::Percent => Dimension::Points,
        Dimension::Amount(unit) => Dimension::Difference(unit),
        other => other,
    }
}
