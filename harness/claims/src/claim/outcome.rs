//! What comes of a claim.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a measurement says about a claim. The order is from worst to best: of comparisons that must all hold, the worst
/// decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The opposite was found.
    Reversed,
    /// A cell that it needs was not measured.
    NotAttempted,
    /// The setting gives it no fair chance: a gate that was fixed beforehand does not pass.
    NotTestable,
    /// The direction is not settled, and the margin is below half of the printed one.
    Smaller,
    /// The measurement does not settle it.
    Open,
    /// It was found to be so.
    Holds,
}

impl Outcome {
    /// All outcomes in the order in which they are listed.
    pub const ALL: [Self; 6] =
        [Self::Holds, Self::Reversed, Self::Smaller, Self::Open, Self::NotTestable, Self::NotAttempted];

    /// The word in reports, e.g. `not attempted`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reversed => "reversed",
            Self::NotAttempted => "not attempted",
            Self::NotTestable => "not testable here",
            Self::Smaller => "smaller",
            Self::Open => "open",
            Self::Holds => "holds",
        }
    }

    /// What the outcome means, for a legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Holds => "the measurement finds what the claim says",
            Self::Reversed => "the measurement finds the opposite",
            Self::Smaller => "the direction is not settled, and the margin is below half of the printed one",
            Self::Open => "the measurement settles neither the claim nor its opposite",
            Self::NotAttempted => "not measured",
            Self::NotTestable => {
                "a gate that was fixed beforehand does not pass: the setting gives it no fair chance"
            }
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
    /// A test settled it.
    Settled,
    /// No test did.
    NotSettled,
    /// Another verdict on the samples that the judge failed on could change the outcome.
    JudgeFailures,
    /// Models were trained with one or two seeds, which say too little about others.
    TooFewSeeds,
    /// The scores do not vary, so their interval has no width and no meaning.
    NoVariation,
    /// The expression has no finite value: something is divided by zero.
    Undefined,
    /// Cells are missing.
    NotMeasured,
    /// The setting does not allow a test: a gate does not pass, or cannot be decided.
    NotTested,
}

/// p values of what can come of a claim or a comparison, before adjustment for other claims.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// That it holds.
    pub holds: f64,
    /// That the opposite does.
    pub reversed: f64,
    /// That the margin is below the stated share of the printed one; `None` where no margin is printed, and for claims of
    /// similarity.
    pub smaller: Option<f64>,
}

impl Evidence {
    /// What nothing is known of.
    pub(super) const NONE: Self = Self { holds: 1.0, reversed: 1.0, smaller: None };

    /// The smallest p value. For any true margin, at most one tail of the test is a false outcome, so this is a p value of
    /// the claim as a whole.
    pub fn p(&self) -> f64 {
        self.holds.min(self.reversed).min(self.smaller.unwrap_or(1.0))
    }

    /// The outcome at level `alpha`, with all p values multiplied by `factor` for the number of claims.
    pub fn outcome(&self, factor: f64, alpha: f64) -> Outcome {
        let found = |p: f64| p * factor <= alpha;
        match () {
            () if found(self.holds) => Outcome::Holds,
            () if found(self.reversed) => Outcome::Reversed,
            () if self.smaller.is_some_and(found) => Outcome::Smaller,
            () => Outcome::Open,
        }
    }

    /// Of comparisons that must all hold: each must be found to hold (an intersection-union test, which needs no
    /// adjustment; Berger 1982), and one of several that is found not to is a Bonferroni test.
    pub(super) fn all(parts: &[Self]) -> Self {
        let one = |p: f64| (p * parts.len() as f64).min(1.0);
        Self {
            holds: parts.iter().map(|part| part.holds).fold(0.0, f64::max),
            reversed: one(parts.iter().map(|part| part.reversed).fold(1.0, f64::min)),
            smaller: parts.iter().filter_map(|part| part.smaller).reduce(f64::min).map(one),
        }
    }

    /// Of alternatives, of which one must hold: the mirror image of [`Evidence::all`].
    pub(super) fn any(parts: &[Self]) -> Self {
        let one = |p: f64| (p * parts.len() as f64).min(1.0);
        Self {
            holds: one(parts.iter().map(|part| part.holds).fold(1.0, f64::min)),
            reversed: parts.iter().map(|part| part.reversed).fold(0.0, f64::max),
            smaller: parts.iter().try_fold(0.0_f64, |largest, part| part.smaller.map(|p| largest.max(p))),
        }
    }
}
