//! Intervals of a proportion.

use statrs::function::erf::erfc_inv;

/// Wilson's score interval of a proportion of `successes` among `n`, at a two-sided `level` such as 0.95 (Wilson 1927,
/// "Probable Inference, the Law of Succession, and Statistical Inference"; recommended by Brown, Cai and DasGupta 2001).
/// It has a width where all or none succeed. `(0, 1)` for `n = 0`.
pub fn wilson(successes: f64, n: f64, level: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    wilson_of_share(successes / n, n, normal_quantile(0.5 * (1.0 - level)))
}

/// The quantile of the standard normal distribution that is exceeded with a chance of `tail`, between 0 and 1.
pub(crate) fn normal_quantile(tail: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * tail)
}

/// Wilson's limits of a `share` of `n`, `z` standard errors away.
pub(crate) fn wilson_of_share(share: f64, n: f64, z: f64) -> (f64, f64) {
    let scale = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / scale;
    let reach = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    // The ends are exact where all or none succeed; rounding must not leave them beside 0 and 1.
    let low = if share == 0.0 { 0.0 } else { (centre - reach).max(0.0) };
    let high = if share == 1.0 { 1.0 } else { (centre + reach).min(1.0) };
    (low, high)
}
