//! Claims: what the paper says about the table, and what comes of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClaimLayout, TableError};
use crate::claim::{
    self, AsPrinted, Comparison, MeasuredClaim, MeasuredComparison, Outcome, PrintedComparison, Reason,
    Relation, as_measured, as_printed,
};
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
    /// Whether the claim holds for the printed values alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_holds: Option<bool>,
    /// The comparisons that it consists of; the claim needs all of them.
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
    /// Minimum detectable effect: the smallest true quantity that a measurement of this size would find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mde: Option<f64>,
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
    /// Holds a claim against the measured and the printed cells.
    pub(super) fn new(
        layout: &ClaimLayout,
        scores: &Scores,
        table: &PrintedTable,
    ) -> Result<Self, TableError> {
        let parsed: claim::Claim = layout.expression.parse().map_err(|error: claim::ParseError| {
            TableError::Claim { id: layout.id.clone(), message: error.to_string() }
        })?;
        let measured = as_measured(&parsed, scores)?;
        let printed = as_printed(&parsed, |row, column| table.cell(row, column));
        let found = measured.comparisons.iter().zip(&printed.comparisons);
        let parts = parsed.comparisons.iter().zip(found);
        let mut rules: Vec<&str> = measured.comparisons.iter().map(|part| part.rule.as_str()).collect();
        rules.dedup();
        Ok(Self {
            id: layout.id.clone(),
            text: layout.text.clone(),
            expression: measured.expression.clone(),
            outcome: measured.outcome,
            printed_holds: match printed.holds {
                AsPrinted::Holds => Some(true),
                AsPrinted::DoesNotHold => Some(false),
                AsPrinted::NotPrinted => None,
            },
            parts: parts.map(|(written, (measured, printed))| part(written, measured, printed)).collect(),
            rule: Some(rules.join("; ")),
            note: note(&measured),
        })
    }
}

fn part(written: &Comparison, measured: &MeasuredComparison, printed: &PrintedComparison) -> Part {
    Part {
        label: measured.expression.clone(),
        cells: written.cells(),
        unit: Unit::Points,
        // A margin is always so turned that the claimed side is above zero.
        threshold: match written.relation {
            Relation::Within(margin) => Threshold::Within { margin },
            Relation::Above | Relation::Below => Threshold::Above { bound: 0.0 },
        },
        estimate: measured.margin.as_ref().map(|margin| margin.quantity(1.0, None)),
        printed: printed.margin,
        mde: measured.minimum_detectable_effect,
        outcome: measured.outcome,
    }
}

/// What kept the claim from being settled, where the interval alone does not show it.
fn note(claim: &MeasuredClaim) -> Option<String> {
    let unsettled = claim.comparisons.iter().find(|part| part.outcome == claim.outcome)?;
    match unsettled.reason {
        Reason::SeedsDisagree => {
            let seeds = unsettled.margin.as_ref()?.per_seed.iter();
            let seeds: Vec<String> =
                seeds.map(|(seed, margin)| format!("seed {seed} {margin:+.2}")).collect();
            Some(format!("the interval alone would settle it, but the seeds disagree: {}", seeds.join(", ")))
        }
        Reason::NoVariation => Some("the scores do not vary over questions".to_owned()),
        Reason::Undefined => Some("something is divided by zero".to_owned()),
        Reason::Settled | Reason::IntervalSpansThreshold | Reason::NotMeasured => None,
    }
}
