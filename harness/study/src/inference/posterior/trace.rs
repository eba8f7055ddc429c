//! One trace: its log-ratio, its estimate of `pi(Y|x,z)` and its weight.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rounding slack above zero that a log-probability in single precision may show.
const LOG_PROB_SLACK: f64 = 1e-4;

/// Why token log-probabilities could not be summarised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// No token was scored: a mean over tokens is undefined.
    #[error("{what} has no scored token; leave the trace out (its weight is zero) instead of scoring it")]
    Empty {
        /// Which sequence was empty.
        what: &'static str,
    },
    /// A value is not a logarithm of a probability.
    #[error("token {position} of {what} has log-probability {value}, which is not a finite number <= 0")]
    NotALogProb {
        /// Which sequence held it.
        what: &'static str,
        /// Zero-based token position.
        position: usize,
        /// The value found.
        value: f64,
    },
}

fn sum_log_probs<T: Copy + Into<f64>>(what: &'static str, tokens: &[T]) -> Result<f64, ScoreError> {
    if tokens.is_empty() {
        return Err(ScoreError::Empty { what });
    }
    let mut sum = 0.0;
    for (position, &token) in tokens.iter().enumerate() {
        let value: f64 = token.into();
        if !value.is_finite() || value > LOG_PROB_SLACK {
            return Err(ScoreError::NotALogProb { what, position, value });
        }
        sum += value;
    }
    Ok(sum)
}

/// `log pi(z|x) - log q(z|x,y')`, summed over the tokens that both models scored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRatio {
    /// The sum over tokens, in nats: the untempered log-ratio.
    pub sum: f64,
    /// How many tokens were compared; at least 1.
    pub tokens: usize,
}

impl LogRatio {
    /// Compares the two models token by token.
    ///
    /// The two prompts end differently, so the two scorings may cover different lengths; as in the released
    /// code the first `min(|z|_pi, |z|_q)` tokens count. `pi` and `q` hold one log-probability per token.
    ///
    /// # Errors
    /// [`ScoreError`] if either side is empty or holds a value that is not a log-probability.
    pub fn of<T: Copy + Into<f64>>(pi: &[T], q: &[T]) -> Result<Self, ScoreError> {
        let tokens = pi.len().min(q.len());
        let pi = sum_log_probs("the trace under pi", &pi[..tokens])?;
        let q = sum_log_probs("the trace under q", &q[..tokens])?;
        Ok(Self { sum: pi - q, tokens })
    }

    /// The mean per token: the logarithm of the geometric mean of the token ratios (the ratio in equation 8).
    pub fn per_token(self) -> f64 {
        self.sum / self.tokens as f64
    }
}

/// The reference answer's log-probability under `pi`, given the question and a trace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerLikelihood {
    /// Sum of the token log-probabilities, in nats: the logarithm of estimator L.
    pub sum: f64,
    /// How many tokens the answer has; at least 1.
    pub tokens: usize,
}

impl AnswerLikelihood {
    /// Sums one log-probability per answer token.
    ///
    /// # Errors
    /// [`ScoreError`] if the answer is empty or a value is not a log-probability.
    pub fn of<T: Copy + Into<f64>>(tokens: &[T]) -> Result<Self, ScoreError> {
        Ok(Self { sum: sum_log_probs("the answer", tokens)?, tokens: tokens.len() })
    }

    /// The mean per token: the logarithm of estimator GML.
    pub fn per_token(self) -> f64 {
        self.sum / self.tokens as f64
    }
}

/// Estimator Acc: the share of sampled answers that were verified as correct; `None` when none was judged.
///
/// Leave answers without a verdict (a failure of the judge) out of `verdicts`: they are neither right nor
/// wrong.
pub fn accuracy(verdicts: &[bool]) -> Option<f64> {
    (!verdicts.is_empty()).then(|| verdicts.iter().filter(|&&v| v).count() as f64 / verdicts.len() as f64)
}

/// An estimator of `pi(Y|x,z)`, the probability that a trace leads to a correct answer (section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// The mean of verified answers sampled from `pi`.
    Acc,
    /// The geometric mean of the token probabilities of the reference answer.
    Gml,
    /// The product of the token probabilities of the reference answer; biased against long answers.
    L,
    /// 1 for each valid trace, whatever it leads to: the control that selects nothing.
    One,
}

impl Estimator {
    /// The paper's estimators, in its order.
    pub const ALL: [Self; 3] = [Self::Acc, Self::Gml, Self::L];
}

impl fmt::Display for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acc => "Acc",
            Self::Gml => "GML",
            Self::L => "L",
            Self::One => "1",
        })
    }
}

/// How the likelihood ratio of a trace enters its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RatioForm {
    /// `(pi/q)^(1/|z|)`, as in equation 8. A different objective, not a calmer estimate of the full ratio: it
    /// can change which trace ranks first.
    #[default]
    PerToken,
    /// `pi/q`, the importance weight of equations 5 and 6.
    Full,
    /// 1: for traces that `pi` drew itself, or to leave the ratio out.
    None,
}

/// A trace with everything that the estimators need. An unfinished or malformed trace has no such record:
/// pass `None` in its place, and its weight is zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredTrace {
    /// `|z|` in tokens.
    pub length: usize,
    /// Comparison of `pi` with `q` on this trace.
    pub log_ratio: LogRatio,
    /// Share of correct answers after this trace, in `[0, 1]`; `None` if no answer was judged.
    pub accuracy: Option<f64>,
    /// The reference answer's likelihood after this trace; `None` if it was not scored.
    pub answer: Option<AnswerLikelihood>,
}

impl ScoredTrace {
    /// `log pi(Y|x,z)` as estimated; `-inf` for an accuracy of zero, `None` where the estimator has no data.
    pub fn log_estimate(&self, estimator: Estimator) -> Option<f64> {
        match estimator {
            Estimator::Acc => self.accuracy.map(f64::ln),
            Estimator::Gml => self.answer.map(AnswerLikelihood::per_token),
            Estimator::L => self.answer.map(|answer| answer.sum),
            Estimator::One => Some(0.0),
        }
    }

    /// `log rho`, equation 8 for [`RatioForm::PerToken`]; `None` where the estimator has no data.
    pub fn log_rho(&self, estimator: Estimator, form: RatioForm) -> Option<f64> {
        let ratio = match form {
            RatioForm::PerToken => self.log_ratio.per_token(),
            RatioForm::Full => self.log_ratio.sum,
            RatioForm::None => 0.0,
        };
        self.log_estimate(estimator).map(|estimate| ratio + estimate)
    }
}

/// Theorem 1: variances of the estimators at fixed `p = pi(Y|x,z)`.
pub mod variance {
    /// Variance of the likelihood estimator `|Y| * pi(y'|x,z)` with `y'` uniform over the correct answers,
    /// given the probability of each of them.
    pub fn likelihood(correct: &[f64]) -> f64 {
        let p: f64 = correct.iter().sum();
        correct.len() as f64 * correct.iter().map(|y| y * y).sum::<f64>() - p * p
    }

    /// The largest value of [`likelihood`] over all ways to spread `p` on `answers` correct answers: all of
    /// it on one.
    pub fn worst_likelihood(p: f64, answers: usize) -> f64 {
        (answers as f64 - 1.0) * p * p
    }

    /// Variance of the accuracy estimator from one sampled answer; at most [`worst_likelihood`] as soon as
    /// `p >= 1 / answers`.
    pub fn accuracy(p: f64) -> f64 {
        p * (1.0 - p)
    }
}
