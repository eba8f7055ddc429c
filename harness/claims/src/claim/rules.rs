//! The rules by which a measurement settles a claim.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ast::Relation;
use super::outcome::Evidence;
use crate::interval::Estimate;
use crate::student::t_upper_tail;

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
}

impl Default for Rules {
    /// A level of 5 %, half of the printed margin, a power of 80 %.
    fn default() -> Self {
        Self { alpha: 0.05, smaller: 0.5, power: 0.8 }
    }
}

impl Rules {
    /// What a margin says about a relation: p values of t tests. `printed` is the same margin among printed values.
    ///
    /// A direction is tested two-sided. An equivalence is two one-sided tests (Schuirmann 1987), each at the whole level,
    /// which is the interval of level `1 - 2 alpha` lying within the tolerance.
    pub fn evidence(&self, relation: Relation, margin: &Estimate, printed: Option<f64>) -> Evidence {
        let Estimate { value, standard_error, degrees_of_freedom, .. } = *margin;
        let above = |bound: f64| t_upper_tail((value - bound) / standard_error, degrees_of_freedom);
        let below = |bound: f64| t_upper_tail((bound - value) / standard_error, degrees_of_freedom);
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
    pub fn in_words(&self, relation: Relation, printed: bool) -> String {
        let level = percent(1.0 - self.alpha);
        match relation {
            Relation::Within(_) => format!(
                "holds if two one-sided t tests place the difference within the tolerance (the {} interval lies inside); \
                 reversed if the {level} interval lies wholly beyond it; else open",
                percent(1.0 - 2.0 * self.alpha)
            ),
            _ => {
                let smaller = match self.smaller {
                    _ if !printed => String::new(),
                    0.5 => {
                        "smaller if it lies below half of the printed margin without settling the direction; "
                            .to_owned()
                    }
                    share => format!(
                        "smaller if it lies below {} of the printed margin without settling the direction; ",
                        percent(share)
                    ),
                };
                format!(
                    "holds if the {level} interval of the margin lies above 0; reversed if it lies below 0; {smaller}else open"
                )
            }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 100.0)
}
