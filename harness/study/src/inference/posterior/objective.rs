//! How much each question, and each trace, counts under related objectives (section 3, appendix A.5).

use schemars::JsonSchema;
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

/// What the rewards of a group of samples of one question become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Advantage {
    /// `(r - mean) / sd`, with the population standard deviation (the sum over the group of squares divided by its
    /// size), as in GRPO (equation 12).
    Normalised,
    /// `r - mean`, as in Dr. GRPO: the expected gradient is that of the expected reward, times `(n - 1) / n`.
    Centred,
}

impl Advantage {
    /// The advantages of a group. All zero when the rewards are equal: such a group teaches nothing, although
    /// equation 12 diverges there.
    pub fn of(self, rewards: &[f64]) -> Vec<f64> {
        let n = rewards.len() as f64;
        let mean = rewards.iter().sum::<f64>() / n;
        let sd = (rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Rewards that are equal may differ from their mean by rounding.
        let equal = rewards.windows(2).all(|pair| pair[0] == pair[1]);
        let scale = if self == Self::Normalised { sd } else { 1.0 };
        rewards.iter().map(|r| if equal { 0.0 } else { (r - mean) / scale }).collect()
    }

    /// The weights of the samples' log-probabilities in the policy gradient: the advantages over the size of the group,
    /// in the direction to ascend. A sample without a reward has weight 0 and is not in the group.
    pub fn weights(self, rewards: &[Option<f64>]) -> Vec<f64> {
        let known: Vec<f64> = rewards.iter().flatten().copied().collect();
        let mut advantages = self.of(&known).into_iter();
        let mut next = || advantages.next().unwrap_or_default() / known.len() as f64;
        rewards.iter().map(|reward| if reward.is_some() { next() } else { 0.0 }).collect()
    }
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
