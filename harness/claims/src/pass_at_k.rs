//! Scores of one question from several samples: Avg@k, and the unbiased pass@k (Chen et al. 2021, "Evaluating
//! Large Language Models Trained on Code", arXiv 2107.03374).

/// Why pass@k is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
