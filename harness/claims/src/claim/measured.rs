//! Claims against measured scores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ast::{Claim, Comparison, Expression, Relation};
use super::outcome::{Evidence, Outcome, Reason};
use super::rules::Rules;
use crate::interval::{Estimate, IntervalError};
use crate::multiplicity::holm;
use crate::power::{detectable_effect, power_of_equivalence};
use crate::scores::{Bound, CellId, Measured, Scores, ScoresError, Smooth, View};

/// Scores are fractions, claims speak of percentages.
const PERCENT: f64 = 100.0;

/// A claim held against measured scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredClaim {
    /// The claim in canonical form.
    pub expression: String,
    /// What comes of it.
    pub outcome: Outcome,
    /// What decided it.
    pub reason: Reason,
    /// p values of what can come of it; `None` if nothing was measured.
    pub evidence: Option<Evidence>,
    /// The smallest of them after adjustment for the family of claims.
    pub adjusted: Option<f64>,
    /// Each comparison, the alternatives one after the other.
    pub comparisons: Vec<MeasuredComparison>,
    /// How many comparisons each alternative has.
    pub alternatives: Vec<usize>,
    /// Seeds without which the outcome would be another one.
    pub rests_on: Vec<u64>,
}

/// One comparison held against measured scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredComparison {
    /// The comparison in canonical form.
    pub expression: String,
    /// What comes of it, at the level of its claim.
    pub outcome: Outcome,
    /// What decided it.
    pub reason: Reason,
    /// What the margin is compared with: 0 for `>` and `<`, the tolerance for `~`.
    pub threshold: f64,
    /// `left - right` (`right - left` for `<`) in percentage points, or in the unit of the expression; `None`
    /// if not measured or undefined.
    pub margin: Option<Measured>,
    /// p values of what can come of it.
    pub evidence: Option<Evidence>,
    /// The smallest true margin that data of this spread would show with the power of the rules.
    pub detectable_effect: Option<f64>,
    /// For a claim of similarity: the chance of finding it if the true difference is zero.
    pub power: Option<f64>,
    /// The margin with each seed left out.
    pub without_seed: BTreeMap<u64, Estimate>,
    /// The least and the largest margin that other verdicts on samples without one could give.
    pub bounds: Option<(f64, f64)>,
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
    in_percent(scores, &cells, View::default(), |percentages| expression.evaluate(&cells, percentages))
}

/// Holds claims of one table against scores. `claims` are pairs of a claim and whether it is the primary one; `printed` gives
/// the printed margin of a comparison.
///
/// The primary claim is tested at the full level; the others share it by Holm's method. A cell without scores makes a
/// comparison `not attempted`.
///
/// # Errors
/// [`ScoresError`] if a column does not exist, a row lacks the scores of some of its seeds, seeds differ
/// between rows, or a benchmark has fewer than two questions.
pub fn as_measured(
    claims: &[(&Claim, bool)],
    scores: &Scores,
    printed: impl Fn(&Comparison) -> Option<f64>,
    rules: &Rules,
) -> Result<Vec<MeasuredClaim>, ScoresError> {
    let looks = claims.iter().map(|(claim, _)| Looks::at(claim, scores, &printed, rules));
    let looks: Vec<Looks<'_>> = looks.collect::<Result<_, _>>()?;
    let p = |look: &Looks<'_>| look.found.claim.map(|evidence| evidence.p());
    let shared: Vec<f64> = claims
        .iter()
        .zip(&looks)
        .filter(|((_, primary), _)| !primary)
        .filter_map(|(_, look)| p(look))
        .collect();
    let mut adjusted = holm(&shared).into_iter();
    let decided = claims.iter().zip(looks).map(|((_, primary), look)| {
        let p = p(&look);
        let adjusted = p.and_then(|p| if *primary { Some(p) } else { adjusted.next() });
        look.decide(p, adjusted, rules)
    });
    Ok(decided.collect())
}

/// One way of looking at the scores.
struct Found {
    comparisons: Vec<Part>,
    /// `None` if nothing was measured.
    claim: Option<Evidence>,
    /// Whether cells are missing that the claim needs.
    missing: bool,
}

/// One comparison in one way of looking.
struct Part {
    margin: Option<Measured>,
    evidence: Option<Evidence>,
    reason: Option<Reason>,
    missing: Vec<CellId>,
}

/// All ways of looking at the scores for one claim.
struct Looks<'c> {
    claim: &'c Claim,
    found: Found,
    without: BTreeMap<u64, Found>,
    bounds: Option<[Found; 2]>,
}

impl<'c> Looks<'c> {
    fn at(
        claim: &'c Claim,
        scores: &Scores,
        printed: &impl Fn(&Comparison) -> Option<f64>,
        rules: &Rules,
    ) -> Result<Self, ScoresError> {
        let look = |view: View| look(claim, scores, view, printed, rules);
        let found = look(View::default())?;
        let mut without = BTreeMap::new();
        let margins = found.comparisons.iter().filter_map(|part| part.margin.as_ref());
        let seeds: Vec<u64> = margins
            .map(|margin| &margin.per_seed)
            .max_by_key(|seeds| seeds.len())
            .into_iter()
            .flatten()
            .map(|(seed, _)| *seed)
            .collect();
        // With two seeds, one would be left, which settles nothing.
        for seed in seeds.iter().copied().filter(|_| seeds.len() > 2) {
            without.insert(seed, look(View { without: Some(seed), ..View::default() })?);
        }
        let bound = |bound| look(View { bound, ..View::default() });
        let bounds = match scores.has_failures() {
            true => Some([bound(Bound::Least)?, bound(Bound::Most)?]),
            false => None,
        };
        Ok(Self { claim, found, without, bounds })
    }

    fn decide(self, p: Option<f64>, adjusted: Option<f64>, rules: &Rules) -> MeasuredClaim {
        let factor = match (p, adjusted) {
            (Some(p), Some(adjusted)) if p > 0.0 => adjusted / p,
            _ => 1.0,
        };
        let outcome_of = |found: &Found| match found.claim {
            None => Outcome::NotAttempted,
            Some(evidence) => match evidence.outcome(factor, rules.alpha) {
                Outcome::Reversed => Outcome::Reversed,
                _ if found.missing => Outcome::NotAttempted,
                outcome => outcome,
            },
        };
        let found = outcome_of(&self.found);
        let flips = self.bounds.iter().flatten().any(|bound| outcome_of(bound) != found);
        let outcome = if flips { Outcome::Open } else { found };
        let rests_on: Vec<u64> = self
            .without
            .iter()
            .filter(|(_, without)| found != Outcome::Open && outcome_of(without) != found)
            .map(|(seed, _)| *seed)
            .collect();
        let comparisons: Vec<MeasuredComparison> = self
            .claim
            .comparisons()
            .enumerate()
            .map(|(at, comparison)| self.comparison(at, comparison, factor, rules))
            .collect();
        let reason = match (outcome, flips) {
            (_, true) => Reason::JudgeFailures,
            (Outcome::NotAttempted, _) => Reason::NotMeasured,
            (Outcome::Open, _) => comparisons
                .iter()
                .map(|part| part.reason)
                .filter(|reason| *reason != Reason::Settled)
                .max()
                .unwrap_or(Reason::NotSettled),
            _ => Reason::Settled,
        };
        MeasuredClaim {
            expression: self.claim.to_string(),
            outcome,
            reason,
            evidence: self.found.claim,
            adjusted,
            comparisons,
            alternatives: self.claim.alternatives.iter().map(Vec::len).collect(),
            rests_on,
        }
    }

    fn comparison(
        &self,
        at: usize,
        comparison: &Comparison,
        factor: f64,
        rules: &Rules,
    ) -> MeasuredComparison {
        let part = &self.found.comparisons[at];
        let outcome = match part.evidence {
            Some(evidence) => evidence.outcome(factor, rules.alpha),
            None => Outcome::NotAttempted,
        };
        let settled = if outcome == Outcome::Open { Reason::NotSettled } else { Reason::Settled };
        let spread = part
            .margin
            .as_ref()
            .map(|margin| (margin.estimate.standard_error, margin.estimate.degrees_of_freedom))
            .filter(|(error, _)| *error > 0.0 && part.reason.is_none());
        let of = |found: &Found| found.comparisons[at].margin.as_ref().map(|margin| margin.estimate);
        let bounds = self.bounds.as_ref().and_then(|[least, most]| Some((of(least)?.value, of(most)?.value)));
        MeasuredComparison {
            expression: comparison.to_string(),
            outcome,
            reason: part.reason.unwrap_or(settled),
            threshold: comparison.relation.threshold(),
            margin: part.margin.clone(),
            evidence: part.evidence,
            detectable_effect: spread
                .map(|(error, freedom)| detectable_effect(error, freedom, rules.alpha, rules.power)),
            power: match comparison.relation {
                Relation::Within(tolerance) => spread
                    .map(|(error, freedom)| power_of_equivalence(tolerance, error, freedom, rules.alpha)),
                _ => None,
            },
            without_seed: self.without.iter().filter_map(|(seed, found)| Some((*seed, of(found)?))).collect(),
            bounds: bounds.filter(|(least, most)| least < most),
            missing: part.missing.clone(),
        }
    }
}

fn look(
    claim: &Claim,
    scores: &Scores,
    view: View,
    printed: &impl Fn(&Comparison) -> Option<f64>,
    rules: &Rules,
) -> Result<Found, ScoresError> {
    let parts = claim.comparisons().map(|comparison| part(comparison, scores, view, printed, rules));
    let comparisons: Vec<Part> = parts.collect::<Result<_, _>>()?;
    let mut rest = &comparisons[..];
    let mut alternatives = Vec::new();
    for alternative in &claim.alternatives {
        let (these, others) = rest.split_at(alternative.len());
        rest = others;
        let evidence: Vec<Evidence> =
            these.iter().map(|part| part.evidence.unwrap_or(Evidence::NONE)).collect();
        alternatives.push(Evidence::all(&evidence));
    }
    let measured = comparisons.iter().any(|part| part.evidence.is_some());
    Ok(Found {
        claim: measured.then(|| Evidence::any(&alternatives)),
        missing: comparisons.iter().any(|part| !part.missing.is_empty()),
        comparisons,
    })
}

fn part(
    comparison: &Comparison,
    scores: &Scores,
    view: View,
    printed: &impl Fn(&Comparison) -> Option<f64>,
    rules: &Rules,
) -> Result<Part, ScoresError> {
    let cells = comparison.cells();
    let mut missing = Vec::new();
    for cell in &cells {
        if scores.is_missing(cell)? {
            missing.push(cell.clone());
        }
    }
    if !missing.is_empty() {
        return Ok(Part { margin: None, evidence: None, reason: Some(Reason::NotMeasured), missing });
    }
    let margin = match in_percent(scores, &cells, view, |percentages| comparison.margin(&cells, percentages))
    {
        Ok(margin) => margin,
        Err(ScoresError::Interval(IntervalError::NotFinite)) => {
            let (evidence, reason) = (Some(Evidence::NONE), Some(Reason::Undefined));
            return Ok(Part { margin: None, evidence, reason, missing });
        }
        Err(error) => return Err(error),
    };
    let reason = match margin.estimate {
        Estimate { seeds: 1, .. } => Some(Reason::OneSeed),
        Estimate { standard_error: 0.0, .. } => Some(Reason::NoVariation),
        _ => None,
    };
    let evidence = match reason {
        Some(_) => Evidence::NONE,
        None => rules.evidence(comparison.relation, &margin.estimate, printed(comparison)),
    };
    Ok(Part { margin: Some(margin), evidence: Some(evidence), reason, missing })
}

/// Evaluates a function of percentages on scores.
fn in_percent(
    scores: &Scores,
    cells: &[CellId],
    view: View,
    f: impl Fn(&[f64]) -> Smooth,
) -> Result<Measured, ScoresError> {
    scores.evaluate_view(cells, view, |fractions| {
        let at = f(&fractions.iter().map(|fraction| fraction * PERCENT).collect::<Vec<_>>());
        Smooth { value: at.value, gradient: at.gradient.iter().map(|slope| slope * PERCENT).collect() }
    })
}
