//! Scores of one question from several samples: Avg@k, and the unbiased pass@k (Chen et al. 2021, "Evaluating
//! Large Language Models Trained on Code", arXiv 2107.03374).

use crate::scores::{SampleScore, Score};

/// Why pass@k is undefined.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PassAtKError {
    /// `k` is zero, or more than the samples drawn.
    #[error("pass@{k} needs 1 <= k <= samples, but {samples} samples were drawn")]
    K {
        /// The `k` asked for.
        k: u64,
        /// How many samples there are.
        samples: u64,
    },
    /// More correct samples than samples.
    #[error("{correct} correct samples out of {samples}")]
    Correct {
        /// How many were correct.
        correct: u64,
        /// How many samples there are.
        samples: u64,
    },
    /// A sample that is neither right nor wrong.
    #[error(
        "pass@{k} counts right and wrong samples, and a sample has the score {score}; the mean of the scores, Avg@{samples}, is defined"
    )]
    Graded {
        /// The `k` asked for.
        k: u64,
        /// How many samples there are.
        samples: u64,
        /// The sample's score.
        score: f64,
    },
}

/// The share of correct samples, in `[0, 1]`: a question's score under Avg@k, with `samples = k`.
///
/// # Errors
/// [`PassAtKError`] without samples, or if `correct > samples`.
pub fn avg_at_k(samples: u64, correct: u64) -> Result<f64, PassAtKError> {
    pass_at_k(samples, correct, 1)
}

/// The probability that at least one of `k` samples, drawn without replacement from `samples` of which
/// `correct` are right, is right: `1 - C(n-c, k) / C(n, k)`, in the product form of figure 3 of Chen et al.,
/// which never forms a large binomial.
///
/// It is an unbiased estimate, in `[0, 1]`, of the probability that one of `k` fresh samples succeeds; with
/// `k = 1` it is the mean of the verdicts, Avg@n. Average it over questions; each question's value may enter
/// an interval like any other score.
///
/// # Errors
/// [`PassAtKError`] if `k` is not in `1..=samples` or `correct > samples`.
pub fn pass_at_k(samples: u64, correct: u64, k: u64) -> Result<f64, PassAtKError> {
    if k == 0 || k > samples {
        return Err(PassAtKError::K { k, samples });
    }
    if correct > samples {
        return Err(PassAtKError::Correct { correct, samples });
    }
    let wrong = samples - correct;
    if wrong < k {
        return Ok(1.0);
    }
    let k = k as f64;
    Ok(1.0 - (wrong + 1..=samples).map(|i| 1.0 - k / i as f64).product::<f64>())
}

/// [`pass_at_k()`] of a question's samples.
///
/// # Errors
/// [`PassAtKError::Graded`] if a sample's score is neither 0 nor 1: whether some fraction passes is not for this function to
/// say. Otherwise as [`pass_at_k()`].
pub fn pass_at_k_of(samples: &[SampleScore], k: u64) -> Result<f64, PassAtKError> {
    pass_at_k(samples.len() as u64, correct(samples, k)?, k)
}

/// What is known of a question's pass@k if the judge failed on some of its samples.
///
/// The estimate is from the samples that were judged, if there are `k` of them. The judge's verdicts on the others could have
/// made it anything between the pass@k of all samples with the failed ones counted as wrong, and with them counted as right.
///
/// # Errors
/// As [`pass_at_k_of()`], with all samples counted.
pub fn pass_at_k_among(samples: &[SampleScore], failed: u64, k: u64) -> Result<Score, PassAtKError> {
    let (judged, right) = (samples.len() as u64, correct(samples, k)?);
    // One sample is right as often as the samples are, to the last digit.
    let of = |samples: u64, right: u64| match k {
        1 if samples > 0 => Ok(right as f64 / samples as f64),
        _ => pass_at_k(samples, right, k),
    };
    let all = judged + failed;
    let (low, high) = (of(all, right)?, of(all, right + failed)?);
    let value = if k <= judged { Some(of(judged, right)?) } else { None };
    Ok(Score { value, low, high })
}

/// How many samples are right.
fn correct(samples: &[SampleScore], k: u64) -> Result<u64, PassAtKError> {
    let number = samples.len() as u64;
    if let Some(graded) = samples.iter().find(|sample| !sample.is_verdict()) {
        return Err(PassAtKError::Graded { k, samples: number, score: graded.value() });
    }
    Ok(samples.iter().filter(|sample| **sample == SampleScore::RIGHT).count() as u64)
}
