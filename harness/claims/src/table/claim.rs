//! Claims: what the paper says about the table, and what comes of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unit::Shown;
use super::{ClaimLayout, Gate, Layout, TableError};
use crate::claim::{
    self, AsPrinted, Comparison, MeasuredClaim, MeasuredComparison, Outcome, PrintedComparison,
    PrintedNumber, Reason, Share, as_measured, as_printed, percent, printed_comparison,
};
use crate::interval::Estimate;
use crate::printed::PrintedTable;
use crate::quantity::Quantity;
use crate::scores::{CellId, Scores};

/// One claim with its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Name, e.g. `T5.2`.
    pub id: String,
    /// The paper's words, restated.
    pub text: String,
    /// What is tested, over cells, e.g. `acc.math > l.math`.
    pub expression: String,
    /// What the measurement says.
    pub outcome: Outcome,
    /// Whether this is the table's primary claim.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub primary: bool,
    /// Whether the claim holds for the printed values alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_holds: Option<bool>,
    /// The smallest p value of what can come of the claim, before adjustment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// The same after adjustment for the table's other claims; compared with the level of the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted_p_value: Option<f64>,
    /// The comparisons that it consists of; the claim needs all of them, or those of one alternative.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// How the outcome follows from the parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What a reader should know about this outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One comparison of a claim: an estimated quantity against a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The quantity, e.g. `acc.math − l.math`.
    pub label: String,
    /// The cells that it is computed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellId>,
    /// Unit of all numbers of the part.
    #[serde(default)]
    pub unit: Unit,
    /// Where the quantity must lie.
    pub threshold: Threshold,
    /// The measured quantity; absent when it was not attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Quantity>,
    /// The same quantity from the printed values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<f64>,
    /// The level of the test behind `detectable_effect`, `power` and `least_tolerance`: the full level for a primary claim,
    /// for another one that of the strictest step of Holm's method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
    /// For a claim of a direction: the smallest true distance from the threshold that a measurement of this size would find
    /// with a power of 80 %, or as the rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detectable_effect: Option<f64>,
    /// For a claim of similarity: the chance of finding it if the true difference is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// For a claim of similarity: the smallest tolerance for which that chance is 80 %, or as the rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_tolerance: Option<f64>,
    /// The quantity with each seed left out. (JSON: an object with the seeds as keys.)
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub without_seed: BTreeMap<u64, Quantity>,
    /// The least and the largest quantity that verdicts on the samples without one could give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
    /// What the measurement says about this part alone.
    pub outcome: Outcome,
}

/// Unit of a part's numbers.
/// JSON: `"points"`, `{"amount": "tokens"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Percentage points: a difference of two percentages.
    #[default]
    Points,
    /// A percentage.
    Percent,
    /// A quotient of two values.
    Ratio,
    /// An amount in the unit that is named, such as tokens; the name is empty where there is none.
    Amount(String),
    /// A difference of two amounts.
    Difference(String),
}

/// Where a quantity must lie for its part to hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Threshold {
    /// Above the bound.
    Above {
        /// The bound.
        bound: f64,
    },
    /// Below the bound.
    Below {
        /// The bound.
        bound: f64,
    },
    /// At most the margin away from zero.
    Within {
        /// The margin, not negative.
        margin: f64,
    },
}

impl Threshold {
    /// The range in which the part holds; infinite where it has no end.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Above { bound } => (bound, f64::INFINITY),
            Self::Below { bound } => (f64::NEG_INFINITY, bound),
            Self::Within { margin } => (-margin, margin),
        }
    }
}

/// The rule of claims that are not tested.
const UNTESTED: &str = "not tested: that needs all of its gates to pass; estimates are shown all the same";

impl Claim {
    /// Holds a table's claims against the measured and the printed cells.
    pub(super) fn all(
        layout: &Layout,
        scores: &Scores,
        printed: &PrintedTable,
        gates: &[Gate],
    ) -> Result<Vec<Self>, TableError> {
        let parse = |claim: &ClaimLayout| {
            claim
                .expression
                .parse::<claim::Claim>()
                .map_err(|error| TableError::Claim { id: claim.id.clone(), message: error.to_string() })
        };
        let parsed: Vec<claim::Claim> = layout.claims.iter().map(parse).collect::<Result<_, _>>()?;
        let barred: Vec<Option<(Outcome, String)>> =
            layout.claims.iter().map(|claim| Gate::bar(gates, claim)).collect();
        let number = |row: &str, column: &str| {
            layout.printed_number(|row, column| printed.cell(row, column), row, column)
        };
        let margin = |comparison: &Comparison| printed_comparison(comparison, &number).margin;
        let hold = |claims: &[(&claim::Claim, bool)]| as_measured(claims, scores, margin, &layout.rules);
        let is_tested = |at: &usize| barred[*at].is_none();
        let (tested, untested): (Vec<usize>, Vec<usize>) = (0..parsed.len()).partition(is_tested);
        let pair = |at: &usize| (&parsed[*at], layout.claims[*at].primary);
        let found = hold(&tested.iter().map(pair).collect::<Vec<_>>())?;
        let mut measured: BTreeMap<usize, MeasuredClaim> = tested.into_iter().zip(found).collect();
        for at in untested {
            let alone = hold(&[pair(&at)])?;
            let outcome = barred[at].as_ref().map_or(Outcome::NotTestable, |(outcome, _)| *outcome);
            measured.extend(alone.into_iter().map(|claim| (at, claim.untested(outcome))));
        }
        let measured: Vec<MeasuredClaim> = measured.into_values().collect();
        let shares = layout.claims.iter().zip(&measured);
        let family = shares.filter(|(written, found)| !written.primary && found.evidence.is_some()).count();
        let claims = layout.claims.iter().zip(&parsed).zip(&measured).zip(barred);
        Ok(claims
            .map(|(((written, parsed), measured), barred)| {
                let share = if written.primary { Share::Full } else { Share::Holm { claims: family } };
                let claim = one(layout, written, parsed, measured, share, &number);
                match barred {
                    None => claim,
                    Some((_, note)) => Self { rule: Some(UNTESTED.to_owned()), note: Some(note), ..claim },
                }
            })
            .collect())
    }
}

fn one(
    layout: &Layout,
    written: &ClaimLayout,
    parsed: &claim::Claim,
    measured: &MeasuredClaim,
    share: Share,
    number: &impl Fn(&str, &str) -> Option<PrintedNumber>,
) -> Claim {
    let printed = as_printed(parsed, number);
    let found = measured.comparisons.iter().zip(&printed.comparisons);
    let mut rules: Vec<String> = parsed
        .comparisons()
        .zip(&printed.comparisons)
        .map(|(comparison, printed)| {
            layout.rules.in_words(comparison.relation, printed.margin.is_some(), share)
        })
        .collect();
    rules.dedup();
    Claim {
        id: written.id.clone(),
        text: written.text.clone(),
        expression: measured.expression.clone(),
        outcome: measured.outcome,
        primary: written.primary,
        printed_holds: match printed.holds {
            AsPrinted::Holds => Some(true),
            AsPrinted::DoesNotHold => Some(false),
            AsPrinted::NotPrinted => None,
        },
        p_value: measured.evidence.map(|evidence| evidence.p()),
        adjusted_p_value: measured.adjusted,
        parts: parsed
            .comparisons()
            .zip(found)
            .map(|(written, (measured, printed))| part(layout, written, measured, printed))
            .collect(),
        rule: Some(rules.join("; ")),
        note: note(measured, layout.rules.alpha),
    }
}

fn part(
    layout: &Layout,
    written: &Comparison,
    measured: &MeasuredComparison,
    printed: &PrintedComparison,
) -> Part {
    let shown = Shown::of(written, layout);
    let without = |(seed, estimate): (&u64, &Estimate)| (*seed, shown.quantity(estimate.quantity(1.0, None)));
    Part {
        label: measured.expression.clone(),
        cells: written.cells(),
        unit: shown.unit.clone(),
        threshold: shown.threshold,
        estimate: measured.margin.as_ref().map(|margin| shown.quantity(margin.quantity(1.0, None))),
        printed: printed.margin.map(|margin| shown.value(margin)),
        level: measured.level,
        detectable_effect: measured.detectable_effect,
        power: measured.power,
        least_tolerance: measured.least_tolerance,
        without_seed: measured.without_seed.iter().map(without).collect(),
        bounds: measured.bounds.map(|bounds| shown.range(bounds)),
        outcome: measured.outcome,
    }
}

/// What a reader should know about an outcome, where the intervals alone do not show it.
fn note(claim: &MeasuredClaim, alpha: f64) -> Option<String> {
    let of_outcome = match claim.reason {
        Reason::TooFewSeeds => {
            Some("trained with fewer than three seeds, which say too little about others".to_owned())
        }
        Reason::NoVariation => Some("the scores do not vary".to_owned()),
        Reason::Undefined => Some("something is divided by zero".to_owned()),
        Reason::JudgeFailures => {
            Some("the judge failed on samples whose verdicts could change the outcome".to_owned())
        }
        Reason::NotSettled | Reason::Settled | Reason::NotMeasured | Reason::NotTested => None,
    };
    let unadjusted = claim.adjusted.zip(claim.evidence).and_then(|(adjusted, evidence)| {
        let of_adjustment = claim.outcome == Outcome::Open && claim.reason == Reason::NotSettled;
        (of_adjustment && evidence.p() <= alpha && adjusted > alpha).then(|| {
            format!(
                "alone it would be settled at the level of {}, but not after adjustment for the table's other claims",
                percent(alpha)
            )
        })
    });
    let rests_on = claim.rests_on.iter().map(|(outcome, seeds)| {
        let would = match outcome {
            Outcome::Holds => "it would hold".to_owned(),
            outcome => format!("it would be {outcome}"),
        };
        let listed: Vec<String> = seeds.iter().map(u64::to_string).collect();
        format!("{would} without seed {}", either(&listed))
    });
    let notes: Vec<String> = [of_outcome, unadjusted].into_iter().flatten().chain(rests_on).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// Words joined as `1`, `1 or 2`, `1, 2 or 3`.
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
