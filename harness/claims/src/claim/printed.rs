//! A claim against the numbers that the paper prints.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ast::{Claim, Comparison, Relation};
use crate::printed::Decimal;

/// Slack for floating-point noise in sums of decimals, in percentage points.
const NOISE: f64 = 1e-9;

/// Whether a claim holds among printed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsPrinted {
    /// It does not.
    DoesNotHold,
    /// A cell that it needs is not printed, or the arithmetic is undefined.
    NotPrinted,
    /// It holds.
    Holds,
}

impl fmt::Display for AsPrinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoesNotHold => "does not hold as printed",
            Self::NotPrinted => "not printed",
            Self::Holds => "holds as printed",
        })
    }
}

/// A claim held against printed values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintedClaim {
    /// The worst over the comparisons: `does-not-hold`, then `not-printed`, then `holds`.
    pub holds: AsPrinted,
    /// Each comparison.
    pub comparisons: Vec<PrintedComparison>,
}

/// One comparison held against printed values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintedComparison {
    /// The comparison in canonical form.
    pub expression: String,
    /// Whether it holds.
    pub holds: AsPrinted,
    /// `left - right` (`right - left` for `<`), in the unit of the expression; `None` if not printed.
    pub margin: Option<f64>,
    /// How far the rounding of the printed values may have moved the margin, to first order.
    pub rounding: Option<f64>,
    /// Whether this stands however the values were rounded.
    pub beyond_rounding: bool,
}

/// A printed number, or one computed from printed numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintedNumber {
    /// The number.
    pub value: f64,
    /// The most that rounding can have changed it by.
    pub rounding: f64,
}

impl From<Decimal> for PrintedNumber {
    fn from(decimal: Decimal) -> Self {
        Self { value: decimal.value(), rounding: decimal.half_unit() }
    }
}

/// Evaluates a claim on printed cells, found by row and column. Of the comparisons that must all hold the worst decides, of
/// alternatives the best.
pub fn as_printed(claim: &Claim, cell: impl Fn(&str, &str) -> Option<PrintedNumber>) -> PrintedClaim {
    let alternatives: Vec<Vec<PrintedComparison>> = claim
        .alternatives
        .iter()
        .map(|all| all.iter().map(|comparison| printed_comparison(comparison, &cell)).collect())
        .collect();
    let worst = |all: &Vec<PrintedComparison>| all.iter().map(|c| c.holds).min();
    let holds = alternatives.iter().filter_map(worst).max().unwrap_or(AsPrinted::NotPrinted);
    PrintedClaim { holds, comparisons: alternatives.into_iter().flatten().collect() }
}

/// Evaluates one comparison on printed cells.
pub fn printed_comparison(
    comparison: &Comparison,
    cell: &impl Fn(&str, &str) -> Option<PrintedNumber>,
) -> PrintedComparison {
    let cells = comparison.cells();
    let printed: Option<Vec<PrintedNumber>> = cells.iter().map(|id| cell(&id.row, &id.column)).collect();
    let margin = printed.as_ref().map(|printed| {
        comparison.margin(&cells, &printed.iter().map(|number| number.value).collect::<Vec<_>>())
    });
    let (Some(margin), Some(printed)) = (margin.filter(|m| m.value.is_finite()), printed) else {
        return PrintedComparison {
            expression: comparison.to_string(),
            holds: AsPrinted::NotPrinted,
            margin: None,
            rounding: None,
            beyond_rounding: false,
        };
    };
    let rounding: f64 = margin.gradient.iter().zip(&printed).map(|(slope, p)| slope.abs() * p.rounding).sum();
    // How far the margin is on the claimed side.
    let (holds, slack) = match comparison.relation {
        Relation::Above | Relation::Below => (margin.value > NOISE, margin.value),
        Relation::AtLeast | Relation::AtMost => (margin.value >= -NOISE, margin.value),
        Relation::Within(tolerance) => {
            let slack = tolerance - margin.value.abs();
            (slack >= -NOISE, slack)
        }
    };
    PrintedComparison {
        expression: comparison.to_string(),
        holds: if holds { AsPrinted::Holds } else { AsPrinted::DoesNotHold },
        margin: Some(margin.value),
        rounding: Some(rounding),
        beyond_rounding: slack.abs() > rounding + NOISE,
    }
}
