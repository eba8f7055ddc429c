//! A claim against measured scores.

use serde::{Deserialize, Serialize};

use super::ast::{Claim, Comparison, Expression};
use super::outcome::{Outcome, Reason};
use crate::interval::IntervalError;
use crate::scores::{CellId, Measured, Scores, ScoresError, Smooth};

/// Scores are fractions, claims speak of percentages.
const PERCENT: f64 = 100.0;

/// A claim held against measured scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredClaim {
    /// The claim in canonical form.
    pub expression: String,
    /// The worst outcome of the comparisons.
    pub outcome: Outcome,
    /// Each comparison.
    pub comparisons: Vec<MeasuredComparison>,
}

/// One comparison held against measured scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredComparison {
    /// The comparison in canonical form.
    pub expression: String,
    /// What comes of it.
    pub outcome: Outcome,
    /// What decided it.
    pub reason: Reason,
    /// The rule in words.
    pub rule: String,
    /// What the margin is compared with: 0 for `>` and `<`, the tolerance for `~`.
    pub threshold: f64,
    /// `left - right` (`right - left` for `<`) in percentage points, or in the unit of the expression; `None`
    /// if not measured or undefined.
    pub margin: Option<Measured>,
    /// The smallest true margin that data of this spread would show with 80 % power.
    pub minimum_detectable_effect: Option<f64>,
    /// Cells without scores.
    pub missing: Vec<CellId>,
}

/// Estimates an expression over measured cells, which enter as percentages; ratios by the delta method.
///
/// # Errors
/// [`ScoresError`] if a cell is unknown or was not measured, seeds differ between rows, or the value is not
/// finite.
pub fn estimate(expression: &Expression, scores: &Scores) -> Result<Measured, ScoresError> {
    let cells = expression.cells();
    in_percent(scores, &cells, |percentages| expression.evaluate(&cells, percentages))
}

/// Holds a claim against scores, by the rule of each of its comparisons ([`Relation::rule`]).
///
/// A cell without scores makes a comparison `not attempted`; a claim is as good as its worst comparison.
///
/// # Errors
/// [`ScoresError`] if a column does not exist, a row lacks the scores of some of its seeds, seeds differ
/// between rows, or a benchmark has fewer than two questions.
pub fn as_measured(claim: &Claim, scores: &Scores) -> Result<MeasuredClaim, ScoresError> {
    let comparisons = claim
        .comparisons
        .iter()
        .map(|comparison| compare(comparison, scores))
        .collect::<Result<Vec<_>, _>>()?;
    let outcome = comparisons.iter().map(|c| c.outcome).min().unwrap_or(Outcome::NotAttempted);
    Ok(MeasuredClaim { expression: claim.to_string(), outcome, comparisons })
}

fn compare(comparison: &Comparison, scores: &Scores) -> Result<MeasuredComparison, ScoresError> {
    let cells = comparison.cells();
    let mut missing = Vec::new();
    for cell in &cells {
        if scores.is_missing(cell)? {
            missing.push(cell.clone());
        }
    }
    let (outcome, reason, margin) = if missing.is_empty() {
        match in_percent(scores, &cells, |percentages| comparison.margin(&cells, percentages)) {
            Ok(margin) => {
                let (outcome, reason) = comparison.relation.decide(&margin);
                (outcome, reason, Some(margin))
            }
            Err(ScoresError::Interval(IntervalError::NotFinite)) => {
                (Outcome::Inconclusive, Reason::Undefined, None)
            }
            Err(error) => return Err(error),
        }
    } else {
        (Outcome::NotAttempted, Reason::NotMeasured, None)
    };
    Ok(MeasuredComparison {
        expression: comparison.to_string(),
        outcome,
        reason,
        rule: comparison.relation.rule().to_owned(),
        threshold: comparison.relation.threshold(),
        minimum_detectable_effect: margin.as_ref().and_then(|m| m.estimate.minimum_detectable_effect()),
        margin,
        missing,
    })
}

/// Evaluates a function of percentages on scores.
fn in_percent(
    scores: &Scores,
    cells: &[CellId],
    f: impl Fn(&[f64]) -> Smooth,
) -> Result<Measured, ScoresError> {
    scores.evaluate(cells, |fractions| {
        let at = f(&fractions.iter().map(|fraction| fraction * PERCENT).collect::<Vec<_>>());
        Smooth { value: at.value, gradient: at.gradient.iter().map(|slope| slope * PERCENT).collect() }
    })
}
