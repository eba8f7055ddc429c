//! Claims: what the paper says about the table, and what comes of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClaimLayout, Layout, TableError};
use crate::claim::{
    self, AsPrinted, Comparison, MeasuredClaim, MeasuredComparison, Outcome, PrintedComparison,
    PrintedNumber, Reason, Relation, as_measured, as_printed, printed_comparison,
};
use crate::interval::{Estimate, LEVEL};
use crate::printed::PrintedTable;
use crate::quantity::Quantity;
use crate::scores::{CellId, Measured, Scores};

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
    /// The smallest true quantity that a measurement of this size would find with a power of 80 %, or as the rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detectable_effect: Option<f64>,
    /// For a claim of similarity: the chance of finding it if the true difference is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Percentage points: a difference of two percentages.
    #[default]
    Points,
    /// A percentage.
    Percent,
    /// A quotient of two values.
    Ratio,
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

impl Claim {
    /// Holds a table's claims against the measured and the printed cells.
    pub(super) fn all(
        layout: &Layout,
        scores: &Scores,
        printed: &PrintedTable,
    ) -> Result<Vec<Self>, TableError> {
        let parse = |claim: &ClaimLayout| {
            claim
                .expression
                .parse::<claim::Claim>()
                .map_err(|error| TableError::Claim { id: claim.id.clone(), message: error.to_string() })
        };
        let parsed: Vec<claim::Claim> = layout.claims.iter().map(parse).collect::<Result<_, _>>()?;
        let named = |claim: &ClaimLayout| claim.primary;
        let pairs: Vec<(&claim::Claim, bool)> = parsed.iter().zip(layout.claims.iter().map(named)).collect();
        let number = |row: &str, column: &str| {
            layout.printed_number(|row, column| printed.cell(row, column), row, column)
        };
        let margin = |comparison: &Comparison| printed_comparison(comparison, &number).margin;
        let measured = as_measured(&pairs, scores, margin, &layout.rules)?;
        let claims = layout.claims.iter().zip(&parsed).zip(&measured);
        Ok(claims
            .map(|((written, parsed), measured)| one(layout, written, parsed, measured, &number))
            .collect())
    }
}

fn one(
    layout: &Layout,
    written: &ClaimLayout,
    parsed: &claim::Claim,
    measured: &MeasuredClaim,
    number: &impl Fn(&str, &str) -> Option<PrintedNumber>,
) -> Claim {
    let printed = as_printed(parsed, number);
    let found = measured.comparisons.iter().zip(&printed.comparisons);
    let mut rules: Vec<String> = parsed
        .comparisons()
        .zip(&printed.comparisons)
        .map(|(comparison, printed)| layout.rules.in_words(comparison.relation, printed.margin.is_some()))
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
            .map(|(written, (measured, printed))| part(written, measured, printed))
            .collect(),
        rule: Some(rules.join("; ")),
        note: note(measured),
    }
}

fn part(written: &Comparison, measured: &MeasuredComparison, printed: &PrintedComparison) -> Part {
    let without = |(seed, estimate): (&u64, &Estimate)| {
        let left = Measured { estimate: *estimate, per_seed: BTreeMap::new() };
        (*seed, left.quantity(1.0, None))
    };
    Part {
        label: measured.expression.clone(),
        cells: written.cells(),
        unit: Unit::Points,
        // A margin is always so turned that the claimed side is above zero.
        threshold: match written.relation {
            Relation::Within(margin) => Threshold::Within { margin },
            _ => Threshold::Above { bound: 0.0 },
        },
        estimate: measured.margin.as_ref().map(|margin| margin.quantity(1.0, None)),
        printed: printed.margin,
        detectable_effect: measured.detectable_effect,
        power: measured.power,
        without_seed: measured.without_seed.iter().map(without).collect(),
        bounds: measured.bounds,
        outcome: measured.outcome,
    }
}

/// What a reader should know about an outcome, where the intervals alone do not show it.
fn note(claim: &MeasuredClaim) -> Option<String> {
    let of_outcome = match claim.reason {
        Reason::OneSeed => Some("trained with one seed, which says nothing about others".to_owned()),
        Reason::NoVariation => Some("the scores do not vary".to_owned()),
        Reason::Undefined => Some("something is divided by zero".to_owned()),
        Reason::JudgeFailures => {
            Some("the judge failed on samples whose verdicts could change the outcome".to_owned())
        }
        Reason::NotSettled | Reason::Settled | Reason::NotMeasured => None,
    };
    let unadjusted = claim.adjusted.zip(claim.evidence).and_then(|(adjusted, evidence)| {
        let alone = evidence.p();
        (claim.outcome == Outcome::Open && alone <= LEVEL_OF_INTERVALS && adjusted > alone).then(|| {
            "its interval alone would settle it, but not after adjustment for the table's other claims"
                .to_owned()
        })
    });
    let rests_on = (!claim.rests_on.is_empty()).then(|| {
        let seeds: Vec<String> = claim.rests_on.iter().map(u64::to_string).collect();
        let word = if seeds.len() == 1 { "seed" } else { "any of the seeds" };
        format!("the outcome would be another one without {word} {}", seeds.join(", "))
    });
    let notes: Vec<String> = [of_outcome, unadjusted, rests_on].into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The two-sided level of the intervals that are shown.
const LEVEL_OF_INTERVALS: f64 = 1.0 - LEVEL;
