//! What comes of a claim, and the rule by which it does.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ast::Relation;
use crate::scores::Measured;

/// How many tolerances a single seed may be off in a claim of similarity: one seed's estimate is noisier than
/// the mean.
const SEED_TOLERANCES: f64 = 2.0;

/// What measured scores say about a claim. The order is from worst to best: a claim with several comparisons
/// has the worst of their outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The scores speak against it.
    NotReplicated,
    /// A cell that it needs was not measured.
    NotAttempted,
    /// The scores do not settle it.
    Inconclusive,
    /// The scores bear it out.
    Replicated,
}

impl Outcome {
    /// All outcomes in the order in which they are listed.
    pub const ALL: [Self; 4] =
        [Self::Replicated, Self::NotReplicated, Self::Inconclusive, Self::NotAttempted];

    /// The word in reports, e.g. `not replicated`.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotReplicated => "not replicated",
            Self::NotAttempted => "not attempted",
            Self::Inconclusive => "inconclusive",
            Self::Replicated => "replicated",
        }
    }

    /// What the outcome means, for a legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Replicated => "the whole interval lies where the claim puts it",
            Self::NotReplicated => "the whole interval lies elsewhere",
            Self::Inconclusive => "the interval spans the threshold",
            Self::NotAttempted => "not measured",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What decided the outcome.
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

impl Relation {
    /// The rule that turns a measured margin into an outcome, in words.
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

    /// What the margin is compared with: 0 for `>` and `<`, the tolerance for `~`.
    pub(super) fn threshold(self) -> f64 {
        match self {
            Self::Above | Self::Below => 0.0,
            Self::Within(tolerance) => tolerance,
        }
    }

    /// Applies [`Relation::rule`].
    pub(super) fn decide(self, margin: &Measured) -> (Outcome, Reason) {
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
            _ if margin.estimate.standard_error == 0.0 => (Outcome::Inconclusive, Reason::NoVariation),
            ((true, true), _) => (Outcome::Replicated, Reason::Settled),
            (_, (true, true)) => (Outcome::NotReplicated, Reason::Settled),
            ((true, false), _) | (_, (true, false)) => (Outcome::Inconclusive, Reason::SeedsDisagree),
            _ => (Outcome::Inconclusive, Reason::IntervalSpansThreshold),
        }
    }
}
