//! Quantiles of Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The `p` quantile of Student's t with `degrees_of_freedom`, which may be fractional; NaN unless `0 < p < 1` and the
/// degrees of freedom are positive and finite.
pub fn t_quantile(p: f64, degrees_of_freedom: f64) -> f64 {
    let inside = p > 0.0 && p < 1.0;
    match StudentsT::new(0.0, 1.0, degrees_of_freedom) {
        Ok(t) if inside && degrees_of_freedom.is_finite() => t.inverse_cdf(p),
        _ => f64::NAN,
    }
}
