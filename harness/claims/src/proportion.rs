//! Intervals of a proportion.

use statrs::function::erf::erfc_inv;

/// Wilson's score interval of a proportion of `successes` among `n`, at a two-sided `level` such as 0.95 (Wilson 1927,
/// "Probable Inference, the Law of Succession, and Statistical Inference"; recommended by Brown, Cai and DasGupta 2001).
/// It has a width where all or none succeed. `(0, 1)` for `n = 0`.
pub fn wilson(successes: f64, n: f64, level: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let z = std::f64::consts::SQRT_2 * erfc_inv(1.0 - level);
    let share = successes / n;
    let scale = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / scale;
    let reach = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    // The ends are exact where all or none succeed; rounding must not leave them beside 0 and 1.
    let low = if successes == 0.0 { 0.0 } else { (centre - reach).max(0.0) };
    let high = if successes == n { 1.0 } else { (centre + reach).min(1.0) };
    (low, high)
}
