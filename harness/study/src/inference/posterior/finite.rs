//! Exact values for a question with finitely many traces: the ground truth that estimators are tested
//! against.
//!
//! Gradients are with respect to the logits of a categorical distribution over traces, for which
//! `grad log p(z) = e_z - p`.

use super::weights::{
    multi_trace_bound, phi_forward_coefficients, phi_reverse_coefficients, theta_coefficients,
};

/// Tolerance on the sum of a distribution.
const SUM_TOLERANCE: f64 = 1e-9;

/// Why a finite question is ill-formed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FiniteError {
    /// The lists differ in length, or are empty.
    #[error("pi, q and success need one value per trace, at least one: found {pi}, {q} and {success}")]
    Length {
        /// Length of `pi`.
        pi: usize,
        /// Length of `q`.
        q: usize,
        /// Length of `success`.
        success: usize,
    },
    /// A list is not a probability distribution.
    #[error("{what} is not a distribution: its values must be positive and sum to 1, their sum is {sum}")]
    NotADistribution {
        /// Which list.
        what: &'static str,
        /// Its sum.
        sum: f64,
    },
    /// A success probability lies outside `[0, 1]`.
    #[error("the success probability of trace {trace} is {value}, outside [0, 1]")]
    NotAProbability {
        /// Zero-based trace.
        trace: usize,
        /// The value found.
        value: f64,
    },
}

/// One question, its traces enumerated.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteQuestion {
    pi: Vec<f64>,
    q: Vec<f64>,
    success: Vec<f64>,
}

impl FiniteQuestion {
    /// `pi(z|x)`, the proposal `q(z|x,y')` and `pi(Y|x,z)` for each trace `z`.
    ///
    /// # Errors
    /// [`FiniteError`] if lengths differ, a distribution is not one (each trace needs a positive
    /// probability), or a success probability lies outside `[0, 1]`.
    pub fn new(pi: Vec<f64>, q: Vec<f64>, success: Vec<f64>) -> Result<Self, FiniteError> {
        if pi.is_empty() || pi.len() != q.len() || pi.len() != success.len() {
            return Err(FiniteError::Length { pi: pi.len(), q: q.len(), success: success.len() });
        }
        for (what, values) in [("pi", &pi), ("q", &q)] {
            let sum: f64 = values.iter().sum();
            if !values.iter().all(|&v| v > 0.0) || (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(FiniteError::NotADistribution { what, sum });
            }
        }
        if let Some((trace, &value)) = success.iter().enumerate().find(|(_, v)| !(0.0..=1.0).contains(*v)) {
            return Err(FiniteError::NotAProbability { trace, value });
        }
        Ok(Self { pi, q, success })
    }

    /// `pi(z|x)`.
    pub fn pi(&self) -> &[f64] {
        &self.pi
    }

    /// `q(z|x,y')`.
    pub fn q(&self) -> &[f64] {
        &self.q
    }

    /// `P(Y|x) = sum_z pi(z|x) pi(Y|x,z)`.
    pub fn marginal(&self) -> f64 {
        self.pi.iter().zip(&self.success).map(|(p, a)| p * a).sum()
    }

    /// The true posterior `P(z|x,Y)`; NaN if `P(Y|x)` is zero.
    pub fn posterior(&self) -> Vec<f64> {
        let marginal = self.marginal();
        self.pi.iter().zip(&self.success).map(|(p, a)| p * a / marginal).collect()
    }

    /// `rho_z = pi(z, Y|x) / q(z|x,y')`, untempered (equation 6).
    pub fn rho(&self) -> Vec<f64> {
        (0..self.pi.len()).map(|z| self.success[z] * self.pi[z] / self.q[z]).collect()
    }

    /// `rho_z` with the ratio to the power `1/|z|` (equation 8), given each trace's length in tokens.
    pub fn rho_per_token(&self, lengths: &[usize]) -> Vec<f64> {
        let tempered = |z: usize, length: usize| (self.pi[z] / self.q[z]).powf(1.0 / length as f64);
        lengths.iter().enumerate().map(|(z, &length)| self.success[z] * tempered(z, length)).collect()
    }

    /// The evidence lower bound `E_q[log pi(Y|x,z)] - KL(q || pi)` (equations 2 and 4).
    pub fn elbo(&self) -> f64 {
        expectation(&self.q, |z| self.success[z].ln()) - kl(&self.q, &self.pi)
    }

    /// The multi-trace bound with K traces from `q`, exactly (equation 5).
    pub fn multi_trace_bound(&self, traces: usize) -> f64 {
        let log_rho = self.log_rho();
        self.over_draws(&self.q, traces, 1, |draw| vec![multi_trace_bound(&pick(&log_rho, draw))])[0]
    }

    /// The expected gradient of the bound with K traces with respect to the logits of `pi(z|x)` (equation 6).
    pub fn theta_gradient(&self, traces: usize) -> Vec<f64> {
        let log_rho = self.log_rho();
        self.over_draws(&self.q, traces, self.pi.len(), |draw| {
            score_sum(&self.pi, draw, &theta_coefficients(&pick(&log_rho, draw)))
        })
    }

    /// The expected gradient of the bound with K traces with respect to the logits of `q(z|x,y')` (appendix
    /// A.2).
    pub fn phi_reverse_gradient(&self, traces: usize) -> Vec<f64> {
        let log_rho = self.log_rho();
        self.over_draws(&self.q, traces, self.q.len(), |draw| {
            score_sum(&self.q, draw, &phi_reverse_coefficients(&pick(&log_rho, draw)))
        })
    }

    /// The expected step of equation 9 for the logits of `q`, with M traces from `pi`; a draw without any
    /// success contributes nothing.
    pub fn phi_forward_step(&self, traces: usize) -> Vec<f64> {
        self.over_draws(&self.pi, traces, self.q.len(), |draw| {
            match phi_forward_coefficients(&pick(&self.success, draw)) {
                Some(coefficients) => score_sum(&self.q, draw, &coefficients),
                None => vec![0.0; self.q.len()],
            }
        })
    }

    /// The limit of [`Self::phi_forward_step`] for many traces: `posterior - q`, the negative gradient of
    /// `KL(posterior || q)`.
    pub fn phi_forward_limit(&self) -> Vec<f64> {
        self.posterior().iter().zip(&self.q).map(|(p, q)| p - q).collect()
    }

    /// The reward whose policy gradient is that of the ELBO: `log pi(Y|x,z) - log (q/pi)` (equation 34).
    pub fn reverse_kl_reward(&self) -> Vec<f64> {
        self.log_rho()
    }

    /// Variance of the importance-weighted success `pi a / b` when traces come from `behaviour`; zero for the
    /// true posterior (equation 33).
    pub fn behaviour_variance(&self, behaviour: &[f64]) -> f64 {
        let second: f64 =
            behaviour.iter().zip(&self.pi).zip(&self.success).map(|((b, p), a)| (p * a).powi(2) / b).sum();
        second - self.marginal().powi(2)
    }

    fn log_rho(&self) -> Vec<f64> {
        self.rho().into_iter().map(f64::ln).collect()
    }

    /// `E f(draw)` over `traces` independent draws from `p`, for an `f` that does not depend on their order:
    /// each multiset of traces is visited once, with its multinomial probability.
    fn over_draws(
        &self,
        p: &[f64],
        traces: usize,
        width: usize,
        f: impl Fn(&[usize]) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut total = vec![0.0; width];
        let mut draw = vec![0; traces];
        loop {
            let probability = multiset_probability(p, &draw);
            for (sum, value) in total.iter_mut().zip(f(&draw)) {
                *sum += probability * value;
            }
            // The next non-decreasing sequence: raise the last entry that can be raised, and all after it
            // with it.
            let Some(last) = draw.iter().rposition(|&z| z + 1 < p.len()) else { return total };
            let raised = draw[last] + 1;
            draw[last..].fill(raised);
        }
    }
}

/// Policy gradient `p(z) (r(z) - E_p r)` of the expected reward with respect to the logits of `p`.
pub fn policy_gradient(p: &[f64], reward: &[f64]) -> Vec<f64> {
    let mean = expectation(p, |z| reward[z]);
    p.iter().zip(reward).map(|(p, r)| p * (r - mean)).collect()
}

/// `KL(p || q)` in nats, for `q` positive where `p` is.
pub fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

fn expectation(p: &[f64], f: impl Fn(usize) -> f64) -> f64 {
    p.iter().enumerate().map(|(z, p)| p * f(z)).sum()
}

fn pick(values: &[f64], draw: &[usize]) -> Vec<f64> {
    draw.iter().map(|&z| values[z]).collect()
}

/// `sum_k c_k grad log p(z_k)` with respect to the logits of `p`.
fn score_sum(p: &[f64], draw: &[usize], coefficients: &[f64]) -> Vec<f64> {
    let total: f64 = coefficients.iter().sum();
    let mut gradient: Vec<f64> = p.iter().map(|p| -p * total).collect();
    for (&z, c) in draw.iter().zip(coefficients) {
        gradient[z] += c;
    }
    gradient
}

/// Probability of a multiset, given as a sorted sequence: `K!/prod n_z! prod p_z^{n_z}`, built up as a
/// product of moderate factors.
fn multiset_probability(p: &[f64], draw: &[usize]) -> f64 {
    let mut run = 0;
    let mut probability = 1.0;
    for (k, &z) in draw.iter().enumerate() {
        run = if k > 0 && draw[k - 1] == z { run + 1 } else { 1 };
        probability *= p[z] * (k + 1) as f64 / f64::from(run);
    }
    probability
}
