//! How much each question, and each trace, counts under related objectives (section 3, appendix A.5).

use serde::{Deserialize, Serialize};

/// A training objective whose gradient is a question weight times `posterior - pi`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Objective {
    /// Maximum likelihood, or forward KL to the posterior: each question counts the same.
    MaximumLikelihood,
    /// Fine-tuning on accepted samples: weight `P_ref(Y|x)` (equation 10).
    RejectionSampling,
    /// Reinforcement learning with a reward of 1 for a correct answer: weight `P(Y|x)` (equation 11).
    BinaryReward,
    /// Group-relative policy optimisation: weight `sqrt(p / (1 - p))` (equation 12).
    Grpo {
        /// `p` is clipped to `[clip, 1 - clip]`, because the weight diverges at 1; in `(0, 0.5]`.
        clip: f64,
    },
}

impl Objective {
    /// The weight of a question that the model solves with probability `p` in `[0, 1]`.
    pub fn question_weight(self, p: f64) -> f64 {
        match self {
            Self::MaximumLikelihood => 1.0,
            Self::RejectionSampling | Self::BinaryReward => p,
            Self::Grpo { clip } => {
                let p = p.max(clip).min(1.0 - clip);
                (p / (1.0 - p)).sqrt()
            }
        }
    }
}

/// Group-relative advantages `(r - mean) / sd` with the population standard deviation (the sum over the group
/// of squares divided by its size). All zero when the rewards are equal: such a group teaches nothing,
/// although the formula of equation 12 diverges there.
pub fn group_advantages(rewards: &[f64]) -> Vec<f64> {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let variance = rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n;
    let sd = variance.sqrt();
    rewards.iter().map(|r| if sd > 0.0 { (r - mean) / sd } else { 0.0 }).collect()
}

/// A reward with a term for the answer's form (appendix A.5, equations 20 and 21).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatReward {
    /// For a correct answer.
    pub alpha: f64,
    /// For a wrong answer in the right form.
    pub beta: f64,
    /// For an answer in the wrong form.
    pub gamma: f64,
}

impl FormatReward {
    /// The expected reward after a trace that leads to a correct answer with probability `success` and to a
    /// well-formed one with probability `format >= success`.
    pub fn expected(self, success: f64, format: f64) -> f64 {
        self.alpha * success + self.beta * (format - success) + self.gamma * (1.0 - format)
    }
}
