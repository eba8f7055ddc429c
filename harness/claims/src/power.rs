//! What a test could have found: detectable effects, and the power of a test of equivalence.
//!
//! A standard error on `f` degrees of freedom is itself an estimate: its square over the true one follows `chi^2_f / f`.
//! Powers are averaged over that distribution, so that they are those of the t tests, not of their normal
//! approximations.

use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

use crate::student::t_quantile;

/// Points of the average over the standard error's distribution.
const POINTS: usize = 200;
/// How far in standard deviations of the logarithm the average reaches to either side.
const REACH: f64 = 8.0;
/// Beyond so many degrees of freedom the standard error counts as known.
const MANY: f64 = 1e6;

/// The chance that a two-sided t test of level `alpha` finds a true `effect` on its own side, for an estimate with this
/// standard error and these degrees of freedom.
pub fn power(effect: f64, standard_error: f64, degrees_of_freedom: f64, alpha: f64) -> f64 {
    let critical = t_quantile(1.0 - alpha / 2.0, degrees_of_freedom);
    averaged(degrees_of_freedom, |ratio| upper_normal(critical * ratio - effect / standard_error))
}

/// The smallest true effect that the test of [`power`] finds with a chance of `wanted`. Unit: that of the standard error.
/// NaN if the standard error is not positive, or a probability is not between 0 and 1.
pub fn detectable_effect(standard_error: f64, degrees_of_freedom: f64, alpha: f64, wanted: f64) -> f64 {
    search(standard_error, alpha, wanted, |effect| power(effect, standard_error, degrees_of_freedom, alpha))
}

/// The chance that two one-sided t tests of level `alpha` find a true difference of exactly zero to be within `margin`
/// (Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach").
pub fn power_of_equivalence(margin: f64, standard_error: f64, degrees_of_freedom: f64, alpha: f64) -> f64 {
    let critical = t_quantile(1.0 - alpha, degrees_of_freedom);
    averaged(degrees_of_freedom, |ratio| {
        let reach = margin / standard_error - critical * ratio;
        (1.0 - 2.0 * upper_normal(reach)).max(0.0)
    })
}

/// The smallest margin for which the tests of [`power_of_equivalence`] find a true difference of zero to be within it with
/// a chance of `wanted`. Unit: that of the standard error. NaN as for [`detectable_effect`].
pub fn least_margin(standard_error: f64, degrees_of_freedom: f64, alpha: f64, wanted: f64) -> f64 {
    search(standard_error, alpha, wanted, |margin| {
        power_of_equivalence(margin, standard_error, degrees_of_freedom, alpha)
    })
}

/// The smallest size whose power, which grows with it, is the one that is wanted.
fn search(standard_error: f64, alpha: f64, wanted: f64, power: impl Fn(f64) -> f64) -> f64 {
    let defined = standard_error > 0.0 && (0.0..1.0).contains(&wanted) && alpha > 0.0 && alpha < 1.0;
    if !defined {
        return f64::NAN;
    }
    let (mut low, mut high) = (0.0, standard_error);
    while power(high) < wanted && high.is_finite() {
        low = high;
        high *= 2.0;
    }
    for _ in 0..45 {
        let middle = 0.5 * (low + high);
        if power(middle) < wanted { low = middle } else { high = middle }
    }
    high
}

/// The mean of `f` over the ratio of an estimated standard error to the true one.
fn averaged(degrees_of_freedom: f64, f: impl Fn(f64) -> f64) -> f64 {
    if degrees_of_freedom.is_nan() || degrees_of_freedom <= 0.0 {
        return f64::NAN;
    }
    if degrees_of_freedom > MANY {
        return f(1.0);
    }
    // With x = ln(chi^2 / f), the density is proportional to exp(h (x - e^x)), h = f / 2: smooth and quickly falling.
    let half = 0.5 * degrees_of_freedom;
    let constant = half * half.ln() - ln_gamma(half);
    let spread = (1.0 / half).sqrt().max(1.0 / half);
    let (low, high) = (-REACH * spread, (REACH * spread).min(6.0));
    let step = (high - low) / POINTS as f64;
    let mut total = 0.0;
    let mut mass = 0.0;
    for point in 0..=POINTS {
        let x = low + step * point as f64;
        let density = (constant + half * (x - x.exp())).exp();
        mass += density;
        total += density * f((0.5 * x).exp());
    }
    total / mass
}

/// `P(Z > z)` of a standard normal variable.
fn upper_normal(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}
