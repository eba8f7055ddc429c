//! The test of a difference between a value and its baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rules, Spread};
use crate::interval::POWER;
use crate::power::detectable_effect;
use crate::quantity::Quantity;
use crate::student::{t_quantile, t_upper_tail};

/// So many degrees of freedom count as infinitely many.
const MANY: f64 = 1e6;
/// The fewest degrees of freedom that an interval is read as.
const FEW: f64 = 0.25;

/// The difference of two values, and its t test against the practical minimum.
///
/// Where the scores of single questions are known on both sides, its error is that of the differences by question
/// ([`spread`](super::spread)). Where they are not, both sides count as independent, with the error
/// `sqrt(se_1^2 + se_2^2)`. Both values are from the same questions, whose difficulty they share, so the true error is at
/// most that: the test is on the safe side. Degrees of freedom: Welch 1947, "The Generalization of 'Student's' Problem",
/// with those of each value from the width of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Whether its error is that of the differences by question; if not, the two sides count as independent.
    pub paired: bool,
    /// Standard error of the difference; positive.
    pub standard_error: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: f64,
    /// Lower end of the difference's interval of level `1 - alpha`, for this test alone.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// The two-sided p value of a difference beyond the practical minimum.
    pub p_value: f64,
    /// The p value after Holm's adjustment for all tests.
    pub adjusted_p_value: f64,
    /// The smallest true change that this test finds with a power of 80 % after adjustment (by Bonferroni's bound, the
    /// strictest step of Holm's method).
    pub detectable: f64,
}

impl Difference {
    /// Tests `now - baseline`; `None` where neither has a spread.
    pub(super) fn new(
        baseline: &Quantity,
        now: &Quantity,
        paired: Option<Spread>,
        min_effect: f64,
        rules: &Rules,
    ) -> Option<Self> {
        let value = now.value - baseline.value;
        let spread = paired.or_else(|| independent(baseline, now, rules.level));
        let Spread { standard_error, degrees_of_freedom } = spread.filter(|_| value.is_finite())?;
        let half_width = t_quantile(1.0 - rules.alpha / 2.0, degrees_of_freedom) * standard_error;
        let beyond = (value.abs() - min_effect) / standard_error;
        let p_value = (2.0 * t_upper_tail(beyond, degrees_of_freedom)).min(1.0);
        Some(Self {
            paired: paired.is_some(),
            standard_error,
            degrees_of_freedom,
            low: value - half_width,
            high: value + half_width,
            p_value,
            adjusted_p_value: p_value,
            detectable: f64::INFINITY,
        })
    }

    /// Takes in that the test is one of several; `share` is its part of the level.
    pub(super) fn adjust(&mut self, adjusted: f64, share: f64, min_effect: f64) {
        self.adjusted_p_value = adjusted;
        self.detectable =
            min_effect + detectable_effect(self.standard_error, self.degrees_of_freedom, share, POWER);
    }
}

/// The spread of a difference of two values with independent errors; `None` where neither has one.
fn independent(baseline: &Quantity, now: &Quantity, level: f64) -> Option<Spread> {
    let sides = [Error::of(baseline, level), Error::of(now, level)];
    let variance: f64 = sides.iter().map(|side| side.standard.powi(2)).sum();
    let parts = sides.iter().map(|side| side.standard.powi(4) / side.degrees_of_freedom);
    let degrees_of_freedom = (variance * variance / parts.sum::<f64>()).min(MANY);
    (variance.is_finite() && variance > 0.0)
        .then(|| Spread { standard_error: variance.sqrt(), degrees_of_freedom })
}

/// The error of one value.
struct Error {
    standard: f64,
    degrees_of_freedom: f64,
}

impl Error {
    /// Read from the standard error and the width of the interval, whose quotient is a quantile of Student's t.
    ///
    /// At 0 and at n of n there is no spread, and the interval is Wilson's: its half width is used as that of a normal
    /// variable. The same holds where an interval is narrower than any of Student's.
    fn of(quantity: &Quantity, level: f64) -> Self {
        let upper = 0.5 + level / 2.0;
        let normal = t_quantile(upper, MANY);
        let half_width = quantity.half_width();
        let standard = quantity.standard_error.unwrap_or_default();
        if standard <= 0.0 || half_width <= normal * standard {
            return Self { standard: standard.max(half_width / normal), degrees_of_freedom: MANY };
        }
        let quotient = half_width / standard;
        // The quantile falls as the degrees of freedom grow; halve their logarithm's range.
        let (mut low, mut high) = (FEW.ln(), MANY.ln());
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if t_quantile(upper, middle.exp()) > quotient { low = middle } else { high = middle }
        }
        Self { standard, degrees_of_freedom: high.exp() }
    }
}
