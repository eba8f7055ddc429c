//! Claims: what the paper says about the table, and whether it held.

use serde::{Deserialize, Serialize};

use super::Estimate;

/// One claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Claim {
    /// Name, e.g. `T5.2`.
    pub id: String,
    /// The paper's words, restated.
    pub text: String,
    /// What is tested, over cells, e.g. `acc.math > l.math`.
    pub expression: String,
    /// What the measurement says.
    pub verdict: Verdict,
    /// Whether the claim holds for the printed values alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_holds: Option<bool>,
    /// The comparisons that it consists of; the claim needs all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// How the verdict follows from the parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What a reader should know about this verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One comparison of a claim: an estimated quantity against a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Part {
    /// The quantity, e.g. `acc.math − l.math`.
    pub label: String,
    /// The cells that it is computed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellRef>,
    /// Unit of all numbers of the part.
    #[serde(default)]
    pub unit: Unit,
    /// Where the quantity must lie.
    pub threshold: Threshold,
    /// The measured quantity; absent when it was not attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// The same quantity from the printed values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<f64>,
    /// Minimum detectable effect: the smallest true quantity that a measurement of this size would find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mde: Option<f64>,
    /// What the measurement says about this part alone.
    pub verdict: Verdict,
}

/// A cell of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CellRef {
    /// Row id.
    pub row: String,
    /// Column id.
    pub column: String,
}

/// Unit of a part's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

/// What a measurement says about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval lies where the claim puts it.
    Replicated,
    /// The whole interval lies elsewhere.
    NotReplicated,
    /// The interval spans the threshold.
    Inconclusive,
    /// Not measured.
    NotAttempted,
}

impl Verdict {
    /// All verdicts in the order in which they are listed.
    pub const ALL: [Self; 4] =
        [Self::Replicated, Self::NotReplicated, Self::Inconclusive, Self::NotAttempted];
}
