//! Claims against measured scores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ast::{Claim, Comparison, Expression, Relation};
use super::outcome::{Evidence, Outcome, Reason};
use super::rules::{Rules, Share};
use crate::interval::{Estimate, IntervalError};
use crate::multiplicity::holm;
use crate::power::{detectable_effect, least_margin, power_of_equivalence};
use crate::scores::{Bound, CellId, Measured, Scores, ScoresError, Smooth, View};
use crate::variance::FEWEST_SEEDS;

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
    /// By another outcome, the seeds without one of which it would come out.
    pub rests_on: BTreeMap<Outcome, Vec<u64>>,
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
    /// `left - right` (`right - left` for `<`) in percentage points, or in the unit of its cells; `None`
    /// if not measured or undefined.
    pub margin: Option<Measured>,
    /// p values of what can come of it.
    pub evidence: Option<Evidence>,
    /// The level at which it is tested in the strictest case: the claim's [share](super::Share), divided by the number of
    /// alternatives. `None` if nothing was measured.
    pub level: Option<f64>,
    /// For a claim of a direction: the smallest true margin that a test of this level finds with the power of the rules.
    pub detectable_effect: Option<f64>,
    /// For a claim of similarity: the chance that tests of this level find it if the true difference is zero.
    pub power: Option<f64>,
    /// For a claim of similarity: the smallest tolerance for which they would find it with the power of the rules.
    pub least_tolerance: Option<f64>,
    /// The margin with each seed left out.
    pub without_seed: BTreeMap<u64, Estimate>,
    /// The least and the largest margin that other verdicts on samples without one could give.
    pub bounds: Option<(f64, f64)>,
    /// Cells without scores.
    pub missing: Vec<CellId>,
}

impl MeasuredClaim {
    /// The claim with its estimates and without any test.
    pub(crate) fn untested(self, outcome: Outcome) -> Self {
        let untested = |part: MeasuredComparison| MeasuredComparison {
            outcome: if part.missing.is_empty() { outcome } else { Outcome::NotAttempted },
            reason: Reason::NotTested,
            evidence: None,
            level: None,
            detectable_effect: None,
            power: None,
            least_tolerance: None,
            ..part
        };
        Self {
            outcome,
            reason: Reason::NotTested,
            evidence: None,
            adjusted: None,
            comparisons: self.comparisons.into_iter().map(untested).collect(),
            rests_on: BTreeMap::new(),
            ..self
        }
    }
}

/// Estimates an expression over measured cells; ratios by the delta method. Shares enter as percentages, amounts as they
/// are.
///
/// # Errors
/// [`ScoresError`] if a cell is unknown or was not measured, seeds differ between rows, or the value is not
/// finite.
pub fn estimate(expression: &Expression, scores: &Scores) -> Result<Measured, ScoresError> {
    let cells = expression.cells();
    as_shown(scores, &cells, View::default(), |values| expression.evaluate(&cells, values))
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
    let family = Share::Holm { claims: shared.len() };
    let mut adjusted = holm(&shared).into_iter();
    let decided = claims.iter().zip(looks).map(|((_, primary), look)| {
        let p = p(&look);
        let adjusted = p.and_then(|p| if *primary { Some(p) } else { adjusted.next() });
        let share = if *primary { Share::Full } else { family };
        look.decide(p, adjusted, share, rules)
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
    /// The least and the largest margin that other verdicts on samples without one could give.
    range: Option<(f64, f64)>,
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
        // With three seeds, two would be left, which settle nothing; the margins are shown all the same.
        for seed in seeds.iter().copied().filter(|_| seeds.len() >= FEWEST_SEEDS) {
            without.insert(seed, look(View { without: Some(seed), ..View::default() })?);
        }
        let bound = |bound| look(View { bound, ..View::default() });
        let bounds = match scores.has_failures() {
            true => Some([bound(Bound::Least)?, bound(Bound::Most)?]),
            false => None,
        };
        Ok(Self { claim, found, without, bounds })
    }

    fn decide(self, p: Option<f64>, adjusted: Option<f64>, share: Share, rules: &Rules) -> MeasuredClaim {
        let factor = match (p, adjusted) {
            (Some(p), Some(adjusted)) if p > 0.0 => adjusted / p,
            _ => 1.0,
        };
        let outcome_of = |found: &Found| match found.claim {
            None => Outcome::NotAttempted,
            Some(evidence) => match evidence.outcome(factor, rules.alpha) {
                // What is missing could change neither of them: it counts as what says nothing.
                outcome @ (Outcome::Holds | Outcome::Reversed) => outcome,
                _ if found.missing => Outcome::NotAttempted,
                outcome => outcome,
            },
        };
        let found = outcome_of(&self.found);
        let flips = self.bounds.iter().flatten().any(|bound| outcome_of(bound) != found);
        let outcome = if flips { Outcome::Open } else { found };
        let mut rests_on: BTreeMap<Outcome, Vec<u64>> = BTreeMap::new();
        for (seed, without) in self.without.iter().filter(|_| !flips && self.without.len() > FEWEST_SEEDS) {
            let other = outcome_of(without);
            if other != found {
                rests_on.entry(other).or_default().push(*seed);
            }
        }
        let level = p.map(|_| share.level(rules.alpha) / self.claim.alternatives.len() as f64);
        let comparisons: Vec<MeasuredComparison> = self
            .claim
            .comparisons()
            .zip(&self.found.comparisons)
            .enumerate()
            .map(|(at, (comparison, part))| {
                let outcome = part.evidence.map(|evidence| evidence.outcome(factor, rules.alpha));
                let of = |found: &Found| Some(found.comparisons[at].margin.as_ref()?.estimate);
                let without = self.without.iter().filter_map(|(seed, found)| Some((*seed, of(found)?)));
                part.measured(comparison, outcome, level, without.collect(), rules)
            })
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
}

impl Part {
    /// The part as it is reported; `outcome` is that of its own evidence at the level of its claim.
    fn measured(
        &self,
        comparison: &Comparison,
        outcome: Option<Outcome>,
        level: Option<f64>,
        without_seed: BTreeMap<u64, Estimate>,
        rules: &Rules,
    ) -> MeasuredComparison {
        let outcome = outcome.unwrap_or(Outcome::NotAttempted);
        let settled = if outcome == Outcome::Open { Reason::NotSettled } else { Reason::Settled };
        let margin = self.margin.as_ref().filter(|_| self.reason.is_none());
        let spread = margin.map(|margin| margin.spread.as_student()).zip(level);
        let spread = spread.filter(|(spread, _)| spread.variance > 0.0);
        let spread = spread.map(|(spread, level)| (spread.variance.sqrt(), spread.degrees_of_freedom, level));
        let tolerance = match comparison.relation {
            Relation::Within(tolerance) => Some(tolerance),
            _ => None,
        };
        let of_direction = spread.filter(|_| tolerance.is_none());
        let of_similarity = spread.zip(tolerance);
        MeasuredComparison {
            expression: comparison.to_string(),
            outcome,
            reason: self.reason.unwrap_or(settled),
            threshold: comparison.relation.threshold(),
            margin: self.margin.clone(),
            evidence: self.evidence,
            level,
            detectable_effect: of_direction
                .map(|(error, freedom, level)| detectable_effect(error, freedom, level, rules.power)),
            power: of_similarity.map(|((error, freedom, level), tolerance)| {
                power_of_equivalence(tolerance, error, freedom, level)
            }),
            least_tolerance: of_similarity
                .map(|((error, freedom, level), _)| least_margin(error, freedom, level, rules.power)),
            without_seed,
            bounds: self.range.filter(|(least, most)| least < most && least.is_finite() && most.is_finite()),
            missing: self.missing.clone(),
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
    let without = |evidence, reason, missing| Part { margin: None, evidence, reason, missing, range: None };
    if !missing.is_empty() {
        return Ok(without(None, Some(Reason::NotMeasured), missing));
    }
    let mut margin = match as_shown(scores, &cells, view, |values| comparison.margin(&cells, values)) {
        Ok(margin) => margin,
        Err(ScoresError::Interval(IntervalError::NotFinite)) => {
            return Ok(without(Some(Evidence::NONE), Some(Reason::Undefined), missing));
        }
        Err(error) => return Err(error),
    };
    let range = match scores.has_failures() {
        true => Some(margin_range(comparison, &cells, scores)?),
        false => None,
    };
    if let Some(range) = range {
        margin.estimate.value = farthest(comparison.relation, margin.estimate.value, range, view.bound);
    }
    let reason = match margin.estimate {
        Estimate { seeds, .. } if (1..FEWEST_SEEDS).contains(&seeds) => Some(Reason::TooFewSeeds),
        // Figures alone, of models that were trained once.
        Estimate { seeds: 0, questions: 0, .. } => Some(Reason::TooFewSeeds),
        _ if margin.spread.is_nothing() => Some(Reason::NoVariation),
        _ => None,
    };
    let evidence = match reason {
        Some(_) => Evidence::NONE,
        None => {
            let printed = printed(comparison);
            rules.evidence(comparison.relation, margin.estimate.value, &margin.spread, printed)
        }
    };
    Ok(Part { margin: Some(margin), evidence: Some(evidence), reason, missing, range })
}

/// The margins that other verdicts on samples without one could give.
fn margin_range(
    comparison: &Comparison,
    cells: &[CellId],
    scores: &Scores,
) -> Result<(f64, f64), ScoresError> {
    let range = |cell: &CellId| {
        let (least, most) = scores.range(cell)?;
        let factor = scores.factor(&cell.column);
        Ok((factor * least, factor * most))
    };
    let ranges: Vec<(f64, f64)> = cells.iter().map(range).collect::<Result<_, ScoresError>>()?;
    Ok(comparison.margin_range(cells, &ranges))
}

/// The margin that speaks most against a claim, or most for it. What comes of a claim changes in one direction between the
/// two, so if it comes out alike at both, it does everywhere.
fn farthest(relation: Relation, judged: f64, (least, most): (f64, f64), bound: Bound) -> f64 {
    match (bound, relation) {
        (Bound::Judged, _) => judged,
        // A difference speaks for similarity the more, the closer it is to zero.
        (Bound::Least, Relation::Within(_)) if least.abs() < most.abs() => most,
        (Bound::Most, Relation::Within(_)) => least.max(0.0) + most.min(0.0),
        (Bound::Least, _) => least,
        (Bound::Most, _) => most,
    }
}

/// Evaluates a function of cells as tables show them: shares in percent, amounts as they are.
fn as_shown(
    scores: &Scores,
    cells: &[CellId],
    view: View,
    f: impl Fn(&[f64]) -> Smooth,
) -> Result<Measured, ScoresError> {
    let factors: Vec<f64> = cells.iter().map(|cell| scores.factor(&cell.column)).collect();
    let times = |values: &[f64]| values.iter().zip(&factors).map(|(value, factor)| value * factor).collect();
    scores.evaluate_view(cells, view, |means| {
        let shown: Vec<f64> = times(means);
        let at = f(&shown);
        Smooth { value: at.value, gradient: times(&at.gradient) }
    })
}
