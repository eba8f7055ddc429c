//! A claim against measured scores: the rule that turns an interval into a verdict.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ast::{Claim, Comparison, Expression, Relation};
use crate::inference::interval::IntervalError;
use crate::inference::scores::{CellId, Measured, Scores, ScoresError, Smooth};

/// Scores are fractions, claims speak of percentages.
const PERCENT: f64 = 100.0;

/// How many tolerances a single seed may be off in a claim of similarity: one seed's estimate is noisier than
/// the mean.
const SEED_TOLERANCES: f64 = 2.0;

/// What measured scores say about a claim. The order is from worst to best: a claim with several comparisons
/// has the worst of their verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The scores speak against it.
    NotReplicated,
    /// A cell that it needs was not measured.
    NotAttempted,
    /// The scores do not settle it.
    Inconclusive,
    /// The scores bear it out.
    Replicated,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReplicated => "not replicated",
            Self::NotAttempted => "not attempted",
            Self::Inconclusive => "inconclusive",
            Self::Replicated => "replicated",
        })
    }
}

/// What decided the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Interval and seeds agree.
    Settled,
    /// The interval reaches to both sides of the threshold.
    IntervalSpansThreshold,
    /// The interval would settle it, but a seed's own estimate says otherwise.
    SeedsDisagree,
    /// The scores do not vary over questions, so their interval has no width and no meaning.
    NoVariation,
    /// The expression has no finite value: something is divided by zero.
    Undefined,
    /// Cells are missing.
    NotMeasured,
}

/// A claim held against measured scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClaimResult {
    /// The claim in canonical form.
    pub expression: String,
    /// The worst verdict of the comparisons.
    pub verdict: Verdict,
    /// One finding per comparison.
    pub comparisons: Vec<ComparisonResult>,
}

/// One comparison held against measured scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ComparisonResult {
    /// The comparison in canonical form.
    pub expression: String,
    /// The verdict.
    pub verdict: Verdict,
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

impl Relation {
    /// The rule by which a measured margin is judged, in words.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Above | Self::Below => {
                "replicated if the 95 % question-clustered interval of the margin lies wholly above 0 and each seed's \
                 own margin is above 0; not replicated if the interval lies wholly at or below 0 and each seed's own \
                 margin is at or below 0; inconclusive otherwise, and where scores do not vary"
            }
            Self::Within(_) => {
                "replicated if the 95 % question-clustered interval of the margin lies within the tolerance on either \
                 side of 0 and each seed's own margin within twice the tolerance; not replicated if the interval and \
                 each seed's own margin lie wholly beyond the tolerance on one side; inconclusive otherwise, and where \
                 scores do not vary"
            }
        }
    }

    fn threshold(self) -> f64 {
        match self {
            Self::Above | Self::Below => 0.0,
            Self::Within(tolerance) => tolerance,
        }
    }

    /// Applies [`Relation::rule`].
    fn decide(self, margin: &Measured) -> (Verdict, Reason) {
        let (low, high) = (margin.estimate.low, margin.estimate.high);
        let every_seed = |test: &dyn Fn(f64) -> bool| margin.per_seed.values().all(|&seed| test(seed));
        // Each row: the interval says so, the seeds agree.
        let (yes, no) = match self {
            Self::Above | Self::Below => {
                ((low > 0.0, every_seed(&|d| d > 0.0)), (high <= 0.0, every_seed(&|d| d <= 0.0)))
            }
            Self::Within(t) => {
                let inside = (low >= -t && high <= t, every_seed(&|d| d.abs() <= SEED_TOLERANCES * t));
                let outside = if low > t {
                    (true, every_seed(&|d| d > t))
                } else {
                    (high < -t, every_seed(&|d| d < -t))
                };
                (inside, outside)
            }
        };
        match (yes, no) {
            _ if margin.estimate.standard_error == 0.0 => (Verdict::Inconclusive, Reason::NoVariation),
            ((true, true), _) => (Verdict::Replicated, Reason::Settled),
            (_, (true, true)) => (Verdict::NotReplicated, Reason::Settled),
            ((true, false), _) | (_, (true, false)) => (Verdict::Inconclusive, Reason::SeedsDisagree),
            _ => (Verdict::Inconclusive, Reason::IntervalSpansThreshold),
        }
    }
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

/// Judges a claim by the rule of each of its comparisons ([`Relation::rule`]).
///
/// A cell without scores makes a comparison `not attempted`; a claim is as good as its worst comparison.
///
/// # Errors
/// [`ScoresError`] if a column does not exist, a row lacks the scores of some of its seeds, seeds differ
/// between rows, or a benchmark has fewer than two questions.
pub fn judge(claim: &Claim, scores: &Scores) -> Result<ClaimResult, ScoresError> {
    let comparisons = claim
        .comparisons
        .iter()
        .map(|comparison| compare(comparison, scores))
        .collect::<Result<Vec<_>, _>>()?;
    let verdict = comparisons.iter().map(|c| c.verdict).min().unwrap_or(Verdict::NotAttempted);
    Ok(ClaimResult { expression: claim.to_string(), verdict, comparisons })
}

fn compare(comparison: &Comparison, scores: &Scores) -> Result<ComparisonResult, ScoresError> {
    let cells = comparison.cells();
    let mut missing = Vec::new();
    for cell in &cells {
        if scores.is_missing(cell)? {
            missing.push(cell.clone());
        }
    }
    let (verdict, reason, margin) = if missing.is_empty() {
        match in_percent(scores, &cells, |percentages| comparison.margin(&cells, percentages)) {
            Ok(margin) => {
                let (verdict, reason) = comparison.relation.decide(&margin);
                (verdict, reason, Some(margin))
            }
            Err(ScoresError::Interval(IntervalError::NotFinite)) => {
                (Verdict::Inconclusive, Reason::Undefined, None)
            }
            Err(error) => return Err(error),
        }
    } else {
        (Verdict::NotAttempted, Reason::NotMeasured, None)
    };
    Ok(ComparisonResult {
        expression: comparison.to_string(),
        verdict,
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
