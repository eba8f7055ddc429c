//! From `log rho` of the K traces of a question to weights, bounds and gradient coefficients.

use serde::{Deserialize, Serialize};

use super::trace::{Estimator, RatioForm, ScoredTrace};

/// Why a question has no usable trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FallbackReason {
    /// No trace was drawn.
    NoTraces,
    /// No trace is valid and scored.
    AllInvalid,
    /// At least one trace is valid, but every estimate of `pi(Y|x,z)` is zero.
    AllZero,
}

/// A weight that is not scaled to a sum, and that training, which computes in `f32`, could not take.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the weight of trace {trace} is e^{log_rho:.1}, too large for a number of training (at most e^88)")]
pub struct WeightTooLarge {
    /// Which of the K traces, from 0.
    pub trace: usize,
    /// The logarithm of `rho`.
    pub log_rho: f64,
}

/// The weights of the K traces of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Weights {
    /// `rho~_k = rho_k / sum rho`: non-negative, sum 1, in trace order, zero for invalid traces.
    Normalised {
        /// One weight per trace.
        weights: Vec<f64>,
    },
    /// `rho_k / K`: non-negative, in trace order, zero for invalid traces, not scaled to a sum. A question counts as
    /// much as its traces are right: with `rho` 1 or 0 the sum is the share of right traces, as in fine-tuning on
    /// accepted samples (equation 10).
    Mean {
        /// One weight per trace.
        weights: Vec<f64>,
    },
    /// `0/0`: no trace can be preferred. Train on the reference row instead, with weight 1.
    Fallback {
        /// What went wrong.
        reason: FallbackReason,
    },
}

impl Weights {
    /// Normalises `exp(log_rho)`; `None`, a NaN or `+inf` marks an invalid trace, `-inf` a weight of zero.
    ///
    /// The largest `log rho` is subtracted first, so the result does not depend on the scale of the
    /// likelihoods.
    pub fn normalise(log_rho: &[Option<f64>]) -> Self {
        let valid = |value: &Option<f64>| value.filter(|v| !v.is_nan() && *v < f64::INFINITY);
        let fallback = |reason| Self::Fallback { reason };
        if log_rho.is_empty() {
            return fallback(FallbackReason::NoTraces);
        }
        let Some(largest) = log_rho.iter().filter_map(valid).reduce(f64::max) else {
            return fallback(FallbackReason::AllInvalid);
        };
        if largest == f64::NEG_INFINITY {
            return fallback(FallbackReason::AllZero);
        }
        let mut weights: Vec<f64> =
            log_rho.iter().map(|value| valid(value).map_or(0.0, |v| (v - largest).exp())).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        Self::Normalised { weights }
    }

    /// `exp(log_rho) / K`, see [`Weights::Mean`]; marks as in [`normalise`](Self::normalise).
    ///
    /// # Errors
    /// The first weight that is larger than the largest `f32`. Accuracies and likelihoods are at most 1; a ratio of pi and q
    /// over a whole thought has no bound.
    pub fn mean(log_rho: &[Option<f64>]) -> Result<Self, WeightTooLarge> {
        if let Self::Fallback { reason } = Self::normalise(log_rho) {
            return Ok(Self::Fallback { reason });
        }
        let weight = |(trace, value): (usize, &Option<f64>)| match value.filter(|v| *v < f64::INFINITY) {
            None => Ok(0.0),
            Some(log_rho) if log_rho.exp() > f64::from(f32::MAX) => Err(WeightTooLarge { trace, log_rho }),
            Some(log_rho) => Ok(log_rho.exp()),
        };
        let rho = log_rho.iter().enumerate().map(weight).collect::<Result<Vec<f64>, _>>()?;
        let traces = log_rho.len() as f64;
        Ok(Self::Mean { weights: rho.into_iter().map(|rho| rho / traces).collect() })
    }

    /// The weights in trace order; `None` on fallback.
    pub fn as_slice(&self) -> Option<&[f64]> {
        match self {
            Self::Normalised { weights } | Self::Mean { weights } => Some(weights),
            Self::Fallback { .. } => None,
        }
    }

    /// [`effective_sample_size`] of the weights; `None` on fallback.
    pub fn effective_sample_size(&self) -> Option<f64> {
        self.as_slice().and_then(effective_sample_size)
    }

    /// Index of the single best trace: the largest weight, the first of equals; `None` on fallback.
    pub fn best(&self) -> Option<usize> {
        let weights = self.as_slice()?;
        (0..weights.len()).reduce(|best, k| if weights[k] > weights[best] { k } else { best })
    }
}

/// `log rho` of each trace (equation 8), `None` where the trace is invalid or the estimator has no data.
pub fn log_rhos(traces: &[Option<ScoredTrace>], estimator: Estimator, form: RatioForm) -> Vec<Option<f64>> {
    traces.iter().map(|trace| trace.as_ref().and_then(|t| t.log_rho(estimator, form))).collect()
}

/// Kish's effective sample size `(sum w)^2 / sum w^2`, between 1 and the number of weights; `None` if all are
/// zero.
pub fn effective_sample_size(weights: &[f64]) -> Option<f64> {
    let sum: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|w| w * w).sum();
    (squares > 0.0).then(|| sum * sum / squares)
}

/// `log (1/K) sum_k rho_k`, the multi-trace bound's value on one draw of K traces (equation 5).
///
/// A trace of weight zero (`-inf`) counts in K. Without traces, or with all weights zero, the value is
/// `-inf`.
pub fn multi_trace_bound(log_rho: &[f64]) -> f64 {
    let largest = log_rho.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let total: f64 = log_rho.iter().map(|v| (v - largest).exp()).sum();
    largest + (total / log_rho.len() as f64).ln()
}

/// Coefficients of `grad log pi(z_k, Y|x)` in the gradient for theta: the weights `rho~_k` (equation 6).
///
/// All zero when every weight is zero: no trace, no direction.
pub fn theta_coefficients(log_rho: &[f64]) -> Vec<f64> {
    let log_rho: Vec<Option<f64>> = log_rho.iter().copied().map(Some).collect();
    match Weights::normalise(&log_rho) {
        Weights::Normalised { weights } | Weights::Mean { weights } => weights,
        Weights::Fallback { .. } => vec![0.0; log_rho.len()],
    }
}

/// Coefficients of `grad log q(z_k|x,y')` in the reverse-KL gradient for phi:
/// `log((1/K) sum_j rho_j) - rho~_k` (appendix A.2).
///
/// All zero when every weight is zero, where the bound is `-inf` and has no gradient.
pub fn phi_reverse_coefficients(log_rho: &[f64]) -> Vec<f64> {
    let bound = multi_trace_bound(log_rho);
    if !bound.is_finite() {
        return vec![0.0; log_rho.len()];
    }
    theta_coefficients(log_rho).iter().map(|weight| bound - weight).collect()
}

/// Coefficients of `grad log q(z_m|x,y')` for traces drawn from `pi`, in the direction to ascend: `w~_m`, the
/// self-normalised `pi(Y|x,z_m)` (equation 9). `None` if every accuracy is zero.
///
/// The printed equation states the gradient of the divergence and drops its minus sign; training ascends
/// `sum_m w~_m log q(z_m|x,y')`. Self-normalisation is biased for few traces: when `M * P(Y|x)` is small the
/// fixed point is close to `pi`, not to the posterior.
pub fn phi_forward_coefficients(success: &[f64]) -> Option<Vec<f64>> {
    let total: f64 = success.iter().sum();
    (total > 0.0).then(|| success.iter().map(|w| w / total).collect())
}
