//! The rules by which a measurement settles a claim.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ast::Relation;
use super::outcome::Evidence;
use crate::spread::{Side, Spread};
use crate::variance::SeedVariance;

/// The rules by which a measurement settles a claim, fixed before anything is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Level of every test: the chance, per family of claims, of settling a claim falsely. Between 0 and 1.
    pub alpha: f64,
    /// A margin is called smaller when it is below this share of the printed one.
    pub smaller: f64,
    /// Chance of finding an effect, at which the detectable effect is stated.
    pub power: f64,
    /// How the variance of training seeds is estimated.
    pub seeds: SeedVariance,
}

impl Default for Rules {
    /// A level of 5 %, half of the printed margin, a power of 80 %, seed variance pooled.
    fn default() -> Self {
        Self { alpha: 0.05, smaller: 0.5, power: 0.8, seeds: SeedVariance::Pooled }
    }
}

impl Rules {
    /// What a margin says about a relation: p values of tests. `printed` is the same margin among printed values.
    ///
    /// A direction is tested two-sided. An equivalence is two one-sided tests (Schuirmann 1987), each at the whole level.
    /// A test finds what the limits of the [spread](crate::spread) exclude: where no mean is close to 0 or 1, it is a t test.
    pub fn evidence(
        &self,
        relation: Relation,
        value: f64,
        spread: &Spread,
        printed: Option<f64>,
    ) -> Evidence {
        let above = |bound: f64| spread.tail(Side::Below, value - bound);
        let below = |bound: f64| spread.tail(Side::Above, bound - value);
        let two_sided = |p: f64| (2.0 * p).min(1.0);
        match relation {
            Relation::Within(tolerance) => Evidence {
                holds: above(-tolerance).max(below(tolerance)),
                reversed: two_sided(above(tolerance).min(below(-tolerance))),
                smaller: None,
            },
            _ => Evidence {
                holds: two_sided(above(0.0)),
                reversed: two_sided(below(0.0)),
                smaller: printed
                    .filter(|printed| *printed > 0.0)
                    .map(|printed| two_sided(below(self.smaller * printed))),
            },
        }
    }

    /// The rule for a relation, in words; `printed` tells whether its margin is printed too.
    pub fn in_words(&self, relation: Relation, printed: bool, share: Share) -> String {
        let smaller = match self.smaller {
            _ if !printed => String::new(),
            0.5 => "smaller if it is below half of the printed margin and its direction is not settled; "
                .to_owned(),
            part => format!(
                "smaller if it is below {} of the printed margin and its direction is not settled; ",
                percent(part)
            ),
        };
        let rule = match relation {
            Relation::Within(_) => {
                "holds if two one-sided tests find the difference to be within the tolerance; reversed if a \
                 two-sided test finds it to be larger; else open"
                    .to_owned()
            }
            _ => format!(
                "holds if a two-sided test finds the margin to be above 0; reversed if it finds it to be below 0; {smaller}else \
                 open"
            ),
        };
        format!("{rule}. {}", share.in_words(self.alpha))
    }
}

/// How much of the level of a table's tests a claim has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// All of it: the claim is the table's primary one.
    Full,
    /// It is shared by Holm's method with other claims.
    Holm {
        /// All claims that share it, this one included.
        claims: usize,
    },
}

impl Share {
    /// The level at which the claim is tested, at Holm's strictest step.
    pub fn level(self, alpha: f64) -> f64 {
        match self {
            Self::Full => alpha,
            Self::Holm { claims } => alpha / claims.max(1) as f64,
        }
    }

    fn in_words(self, alpha: f64) -> String {
        let level = percent(alpha);
        match self {
            Self::Full => format!("The primary claim is tested at the full level of {level}"),
            Self::Holm { claims: 0 | 1 } => format!("The claim is tested at a level of {level}"),
            Self::Holm { claims } => format!(
                "The {claims} claims that are not primary share a level of {level} by Holm's method: the smallest p value is \
                 compared with {level} / {claims}, the next with {level} / {}, and so on, up to the first that is too large",
                claims - 1
            ),
        }
    }
}

/// A share in percent with two digits that count.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 100.0)
}
