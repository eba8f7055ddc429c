//! How much each objective makes of a question, by how often it is solved: the bias to easy questions
//! (equations 10 to 12 of arXiv:2509.22637).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::diagnostics::ItemTraces;

/// Parts of the range between 0 and 1. The ends have a bin of their own each.
pub const PARTS: usize = 8;

/// Slack for floating-point noise in a mean of accuracies.
const NOISE: f64 = 1e-9;

/// Questions that the reasoning model solves about equally often, with what each objective makes of one of them.
///
/// Weights are relative: their mean is 1 over the questions with a right answer, for GRPO over those of them whose weight
/// is defined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveBin {
    /// 0 for accuracy 0, `i` for accuracies in `((i-1)/8, i/8]` (for the last of them without 1), 9 for accuracy 1.
    pub bin: usize,
    /// Number of questions, at least 1.
    pub questions: usize,
    /// Their mean accuracy `p`: the share of right answers after traces without a hint.
    pub accuracy: f64,
    /// Mean weight of fine-tuning on accepted samples (RFT): `p` (equation 10).
    pub accepted: f64,
    /// Mean weight of reinforcement learning with reward 1 or 0: `p` (equation 11).
    pub reward: f64,
    /// Mean weight of GRPO: `sqrt(p / (1 - p))` (equation 12); `None` for accuracy 1, where it is not defined, and where
    /// no question has accuracies between.
    pub grpo: Option<f64>,
    /// Weight of the variational objective: 1, whatever `p`, since each question's weights are normalised (equation 6).
    pub ours: f64,
}

/// The bins that hold questions, from the lowest accuracy to the highest. Empty where no trace was drawn without a hint, or
/// none of them leads to a right answer.
#[must_use]
pub fn objectives(questions: &[ItemTraces]) -> Vec<ObjectiveBin> {
    let accuracy = |question: &ItemTraces| {
        (!question.pi.is_empty()).then(|| question.pi.iter().sum::<f64>() / question.pi.len() as f64)
    };
    let accuracies: Vec<f64> = questions.iter().filter_map(accuracy).collect();
    let (linear, relative) = (scale(&accuracies, Some), scale(&accuracies, grpo));
    let Some(linear) = linear else { return Vec::new() };
    let mut bins: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for p in accuracies {
        bins.entry(bin(p)).or_default().push(p);
    }
    let summary = |(bin, members): (usize, Vec<f64>)| {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let odds: Option<Vec<f64>> = members.iter().map(|p| grpo(*p)).collect();
        let accuracy = mean(&members);
        ObjectiveBin {
            bin,
            questions: members.len(),
            accuracy,
            accepted: accuracy / linear,
            reward: accuracy / linear,
            grpo: odds.zip(relative).map(|(odds, scale)| mean(&odds) / scale),
            ours: 1.0,
        }
    };
    bins.into_iter().map(summary).collect()
}

/// The mean of a weight over the questions with a right answer for which it is defined.
fn scale(accuracies: &[f64], weight: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let solved = accuracies.iter().copied().filter(|p| *p > 0.0);
    let weights: Vec<f64> = solved.filter_map(weight).collect();
    (!weights.is_empty()).then(|| weights.iter().sum::<f64>() / weights.len() as f64)
}

fn grpo(p: f64) -> Option<f64> {
    (p < 1.0 - NOISE).then(|| (p / (1.0 - p)).sqrt())
}

fn bin(p: f64) -> usize {
    match p {
        p if p <= 0.0 => 0,
        p if p >= 1.0 - NOISE => PARTS + 1,
        p => ((p * PARTS as f64 - NOISE).ceil() as usize).clamp(1, PARTS),
    }
}
