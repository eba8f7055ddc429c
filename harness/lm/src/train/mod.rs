//! Supervised fine-tuning.
//!
//! The data are *units*: a unit is one example, or the several weighted examples of one question. Each step
//! takes a batch of units in an order that is a function of the seed and the epoch, so the step number alone
//! says where a run stands, and a run that was interrupted goes on bit for bit as if it had not been.

mod backward;
mod batch;
mod checkpoint;
mod identity;
mod learner;
mod memory;
mod order;
mod trainer;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{LmError, Result};
use crate::optim::{AdamWConfig, DecayGroup};
use crate::schedule::Schedule;

pub use learner::{Checkpoints, Every, Learner, Resumed};
pub use memory::{MemoryPlan, PartSize};
pub use trainer::Trainer;

/// A sequence of tokens and what is to be learned from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The whole sequence.
    pub tokens: Vec<u32>,
    /// The positions whose tokens are to be predicted from those before; not empty, and not position 0.
    pub supervised: Range<usize>,
    /// Factor of the example's loss; finite.
    pub weight: f32,
}

/// Examples that count as one in the size of a batch; not empty.
pub type Unit = Vec<Example>;

/// What a batch's token losses are divided by.
///
/// With `CE` the negative log-probability of a supervised token and `w` the weight of its example, a batch's
/// loss is the sum of `w * CE` over its supervised tokens, divided by a normaliser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// Divided by a constant, so that each token of the data set counts the same: the number of units in the
    /// batch times the mean response length of the data set. The last batch of an epoch may have fewer units;
    /// its own number counts. (The loss of Dr. GRPO, Liu et al. 2025, for supervised data.)
    DrSft {
        /// Mean number of supervised tokens per example, above 0.
        mean_response_len: f64,
    },
    /// Divided by the number of supervised tokens in the batch, so that the tokens of batches with short
    /// responses count more.
    Naive,
    /// Each example's losses divided by its own number of supervised tokens, and by the number of units in the
    /// batch, so that each response counts the same. (The loss of GRPO, Shao et al. 2024.)
    PerResponse,
}

/// A good [`TrainConfig::micro_batch_tokens`]: batches of small models are not split, and memory is bounded.
/// From 1,024 on, larger ones are no faster on a CPU.
pub const DEFAULT_MICRO_BATCH_TOKENS: usize = 16_384;

/// What of a forward pass stays in memory for the backward pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Activations {
    /// All that it needs.
    #[default]
    Kept,
    /// The inputs of layers. The rest is computed a second time, layer by layer: a step takes about a third longer.
    Recomputed,
}

/// How a decoder is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Highest learning rate, above 0.
    pub learning_rate: f64,
    /// Decay of AdamW's moments, each in `[0, 1)`.
    pub betas: (f64, f64),
    /// AdamW's epsilon, above 0.
    pub eps: f64,
    /// Weight decay, at least 0.
    pub weight_decay: f64,
    /// The tensors that decay.
    pub decay: DecayGroup,
    /// Largest norm of all gradients together, above 0; none for no limit.
    pub clip: Option<f64>,
    /// Share of the steps, in `[0, 1]`, over which the learning rate rises.
    pub warmup: f64,
    /// What the learning rate does afterwards.
    pub schedule: Schedule,
    /// Passes over the data, at least 1.
    pub epochs: u64,
    /// Units per step, at least 1; the last step of an epoch takes what is left.
    pub batch: usize,
    /// Determines the order of the units.
    pub seed: u64,
    /// The loss.
    pub loss: Loss,
    /// Most tokens that pass the decoder at a time, unless one sequence is longer; at least 1. Bounds memory.
    /// A batch with more is computed in parts whose gradients are added up, which changes the last bits of a
    /// result.
    pub micro_batch_tokens: usize,
    /// What stays in memory between the passes; changes the last bits of a result.
    #[serde(default)]
    pub activations: Activations,
}

/// Settings with which small models learn: one pass at a rate of 1e-3 along half a cosine, 32 units a step.
impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            betas: (0.9, 0.95),
            eps: 1e-8,
            weight_decay: 0.01,
            decay: DecayGroup::All,
            clip: Some(1.0),
            warmup: 0.1,
            schedule: Schedule::Cosine,
            epochs: 1,
            batch: 32,
            seed: 1,
            loss: Loss::Naive,
            micro_batch_tokens: DEFAULT_MICRO_BATCH_TOKENS,
            activations: Activations::Kept,
        }
    }
}

impl TrainConfig {
    fn check(&self) -> Result<()> {
        let fail = |field, problem: String| Err(LmError::Setting { field, problem });
        let mean_response_len = match self.loss {
            Loss::DrSft { mean_response_len } => mean_response_len,
            Loss::Naive | Loss::PerResponse => 1.0,
        };
        for (field, value) in [
            ("learning_rate", self.learning_rate),
            ("eps", self.eps),
            ("clip", self.clip.unwrap_or(1.0)),
            ("mean_response_len", mean_response_len),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return fail(field, format!("is {value}, but must be a number above 0"));
            }
        }
        for beta in [self.betas.0, self.betas.1] {
            if !(0.0..1.0).contains(&beta) {
                return fail("betas", format!("has {beta}, but must be in [0, 1)"));
            }
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return fail("weight_decay", format!("is {}, but must be at least 0", self.weight_decay));
        }
        if !(0.0..=1.0).contains(&self.warmup) {
            return fail("warmup", format!("is {}, but must be in [0, 1]", self.warmup));
        }
        for (field, value) in [
            ("epochs", self.epochs),
            ("batch", self.batch as u64),
            ("micro_batch_tokens", self.micro_batch_tokens as u64),
        ] {
            if value == 0 {
                return fail(field, "is 0, but must be positive".to_owned());
            }
        }
        Ok(())
    }

    fn optimiser(&self) -> AdamWConfig {
        AdamWConfig { betas: self.betas, eps: self.eps, weight_decay: self.weight_decay, decay: self.decay }
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepStats {
    /// Its number, from 0.
    pub step: u64,
    /// The batch's loss before the step.
    pub loss: f64,
    /// The norm of the gradients before they were clipped.
    pub grad_norm: f64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Tokens that passed the decoder.
    pub tokens: u64,
    /// Of a step on the model's own samples: what they earned.
    pub rewards: Option<Rewards>,
}

/// What the samples of a step earned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewards {
    /// The mean over all samples that have a reward.
    pub mean: f64,
    /// The share of items whose samples earned different rewards, in `[0, 1]`: only these teach something.
    pub mixed: f64,
}

/// Checks examples against a vocabulary; the first that is impossible is an error.
fn check_units(units: &[Unit], vocab_size: usize) -> Result<()> {
    for (unit, examples) in units.iter().enumerate() {
        let fail = |problem: String| Err(LmError::Example { unit, problem });
        if examples.is_empty() {
            return fail("has no examples".to_owned());
        }
        for Example { tokens, supervised, weight } in examples {
            let Range { start, end } = supervised.clone();
            if start == 0 || start >= end || end > tokens.len() {
                return fail(format!("supervises positions {start}..{end} of {} tokens", tokens.len()));
            }
            if !weight.is_finite() {
                return fail(format!("has the weight {weight}"));
            }
            if let Some(position) = tokens.iter().position(|token| *token as usize >= vocab_size) {
                return Err(LmError::TokenOutOfRange { token: tokens[position], position, vocab_size });
            }
        }
    }
    Ok(())
}
