//! Sampling from a decoder.
//!
//! Each sample has its own random stream, a function of the seed, the prompt's tokens and the sample's index.
//! Each token uses one number of it. With the CPU kernels a sample is the same, bit for bit,
//! whatever other samples are drawn beside it, in whatever order, and for any number of threads. With the
//! reference kernels samples are the same up to rounding.

mod batch;
mod cache;
mod choose;
mod cpu;
mod forced;
mod forward;
mod kernels;
mod reference;
mod stops;
mod stream;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::placement::{Float, Kernels};
use forward::Forward;

pub use forced::{forced_choice, likeliest_option};
pub use stops::{Found, Seen, Stops};

/// Most samples in flight at a time unless [`Sampler::with_batch`] says otherwise.
pub const DEFAULT_BATCH: usize = 64;

/// Bytes for the keys and values of the samples in flight unless [`Sampler::with_cache_bytes`] says otherwise:
/// 8 GiB.
///
/// A constant rather than the memory of this machine: with the reference kernels the last bits may depend on
/// the batch.
pub const DEFAULT_CACHE_BYTES: u64 = 8 << 30;

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// Divides the logits; at least 0. At 0 the most likely token is taken.
    pub temperature: f64,
    /// Share of probability, in `(0, 1]`, that the most likely tokens must reach; the others are never drawn.
    pub top_p: f64,
    /// Most tokens per sample, at least 1 and below `2^32`.
    pub max_new_tokens: usize,
    /// Tokens that end a sample. They belong to it.
    pub stop: Vec<u32>,
    /// The seed of all random streams.
    pub seed: u64,
}

impl SampleConfig {
    fn check(&self) -> Result<()> {
        let fail = |field, problem: String| Err(LmError::Setting { field, problem });
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return fail(
                "temperature",
                format!("is {}, but must be a number of at least 0", self.temperature),
            );
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return fail("top_p", format!("is {}, but must be above 0 and at most 1", self.top_p));
        }
        if self.max_new_tokens == 0 {
            return fail("max_new_tokens", "is 0, but must be positive".to_owned());
        }
        if u32::try_from(self.max_new_tokens).is_err() {
            return fail("max_new_tokens", format!("is {}, but must be below 2^32", self.max_new_tokens));
        }
        Ok(())
    }
}

/// A sample to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The tokens to continue, at least one.
    pub tokens: Vec<u32>,
    /// Tells samples of the same prompt apart: equal indices give equal samples.
    pub sample_index: u64,
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The new tokens; the last of them ended the sample, unless it was cut off.
    pub tokens: Vec<u32>,
    /// Log-probability of each token under the model at temperature 1, without truncation.
    pub log_probs: Vec<f32>,
    /// What ended it.
    pub end: End,
}

impl Sample {
    /// Whether something ended it, other than the limit.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.end != End::Length
    }
}

/// What ended a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A stop string, complete with the last token.
    Text(Found),
    /// A token of [`SampleConfig::stop`], the last one.
    Token,
    /// It has [`SampleConfig::max_new_tokens`] tokens.
    Length,
}

/// What happens while samples are drawn.
#[derive(Debug)]
pub enum SampleEvent {
    /// One token was drawn for each sample in flight.
    Step {
        /// The number of samples in flight.
        rows: usize,
    },
    /// A sample is complete.
    Finished {
        /// Its index among the prompts.
        index: usize,
        /// The sample.
        sample: Sample,
    },
}

/// Draws samples from a decoder.
#[derive(Debug)]
pub struct Sampler<'a> {
    decoder: &'a Decoder,
    config: SampleConfig,
    stops: Option<&'a Stops<'a>>,
    batch: usize,
    cache_bytes: u64,
    packed: Option<cpu::Weights>,
}

impl<'a> Sampler<'a> {
    /// A sampler with the decoder's weights as they are now.
    ///
    /// # Errors
    /// [`LmError::Setting`] for an impossible configuration.
    pub fn new(decoder: &'a Decoder, config: SampleConfig) -> Result<Self> {
        config.check()?;
        let packed = match decoder.kernels() {
            Kernels::Cpu => Some(cpu::Weights::new(decoder)?),
            Kernels::Reference => None,
        };
        let (batch, cache_bytes) = (DEFAULT_BATCH, DEFAULT_CACHE_BYTES);
        Ok(Self { decoder, config, stops: None, batch, cache_bytes, packed })
    }

    /// Makes samples end at stop strings too. A token that completes one and is itself a stop token ends its
    /// sample with the string.
    #[must_use]
    pub fn with_stops(mut self, stops: &'a Stops<'a>) -> Self {
        self.stops = Some(stops);
        self
    }

    /// Sets the most samples in flight at a time, at least 1. It changes speed and memory, not the samples.
    #[must_use]
    pub fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch.max(1);
        self
    }

    /// Sets how many bytes the keys and values of the samples in flight may take. It changes speed and memory,
    /// not the samples.
    ///
    /// Each sample has room for the longest prompt and [`max_new_tokens`](SampleConfig::max_new_tokens); as
    /// many samples are in flight as fit, up to the batch, and at least one even if it does not fit.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Draws a sample for each prompt. Samples arrive as they finish; prompts with equal tokens share the
    /// work of reading them.
    ///
    /// Returns `Break` if the observer broke off; samples in flight are then dropped. Computes in the current
    /// rayon pool.
    ///
    /// # Errors
    /// [`LmError::EmptyPrompt`], [`LmError::TokenOutOfRange`] for a token outside the vocabulary,
    /// [`LmError::NoDistribution`] if the model computes no finite logits, or those of [`Stops::push`].
    pub fn run(
        &self,
        prompts: &[Prompt],
        observer: &mut dyn FnMut(SampleEvent) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let longest = check_prompts(self.decoder, prompts.iter().map(|p| p.tokens.as_slice()))?;
        // The last token of a sample is not fed.
        let capacity = longest + self.config.max_new_tokens - 1;
        // One more slot keeps a prompt for samples that wait for a row.
        let fitting =
            slots_within(self.cache_bytes, self.decoder.config(), self.decoder.placement().float, capacity);
        let rows = self.batch.min(prompts.len()).min(fitting.saturating_sub(1).max(1));
        let mut forward = new_forward(self.decoder, self.packed.as_ref(), rows + 1, capacity)?;
        batch::Batch::new(&self.config, self.stops, self.decoder.config().vocab_size, prompts, rows)
            .run(forward.as_mut(), observer)
    }

    /// Draws a sample for each prompt, in order.
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub fn all(&self, prompts: &[Prompt]) -> Result<Vec<Sample>> {
        let mut samples = vec![None; prompts.len()];
        let flow = self.run(prompts, &mut |event| {
            if let SampleEvent::Finished { index, sample } = event {
                samples[index] = Some(sample);
            }
            ControlFlow::Continue(())
        })?;
        debug_assert!(flow.is_continue() && samples.iter().all(Option::is_some));
        Ok(samples.into_iter().flatten().collect())
    }
}

/// How many sequences of `capacity` tokens have keys and values that fit into `bytes`, all layers together.
fn slots_within(bytes: u64, config: &Config, float: Float, capacity: usize) -> usize {
    let Config { num_layers, num_kv_heads, head_dim, .. } = config;
    let per_token = 2 * num_layers * num_kv_heads * head_dim * float.dtype().size_in_bytes();
    let per_slot = (per_token as u64).saturating_mul(capacity as u64).max(1);
    usize::try_from(bytes / per_slot).unwrap_or(usize::MAX)
}

fn new_forward<'a>(
    decoder: &Decoder,
    packed: Option<&'a cpu::Weights>,
    slots: usize,
    capacity: usize,
) -> Result<Box<dyn Forward + 'a>> {
    Ok(match packed {
        Some(weights) => Box::new(cpu::CpuForward::new(decoder, weights, slots, capacity)?),
        None => Box::new(reference::ReferenceForward::new(decoder, slots, capacity)?),
    })
}

/// Checks that prompts can be fed; returns the length of the longest.
fn check_prompts<'p>(decoder: &Decoder, prompts: impl Iterator<Item = &'p [u32]>) -> Result<usize> {
    let vocab_size = decoder.config().vocab_size;
    let mut longest = 1;
    for (index, tokens) in prompts.enumerate() {
        if tokens.is_empty() {
            return Err(LmError::EmptyPrompt { index });
        }
        if let Some(position) = tokens.iter().position(|token| *token as usize >= vocab_size) {
            return Err(LmError::TokenOutOfRange { token: tokens[position], position, vocab_size });
        }
        longest = longest.max(tokens.len());
    }
    Ok(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;

    #[test]
    fn slots_are_what_fits_into_the_memory() {
        let shape = |num_layers, num_kv_heads, head_dim| Config {
            family: Family::Qwen3,
            vocab_size: 8,
            hidden_size: 4,
            intermediate_size: 4,
            num_layers,
            num_heads: num_kv_heads,
            num_kv_heads,
            head_dim,
            max_positions: 64,
            rope_theta: 1e4,
            rope_scaling: None,
            rms_norm_eps: 1e-6,
            tied_head: true,
            qkv_bias: false,
            output_bias: false,
            bos_token_id: None,
            eos_token_ids: Vec::new(),
        };
        // Qwen2 of 7B parameters: 28 layers of 4 heads of 128, 56 KiB a token in half precision.
        let large = shape(28, 4, 128);
        assert_eq!(slots_within(DEFAULT_CACHE_BYTES, &large, Float::Bf16, 38_912 + 1000), 3);
        assert_eq!(slots_within(DEFAULT_CACHE_BYTES, &large, Float::F32, 38_912 + 1000), 1);
        assert_eq!(slots_within(DEFAULT_CACHE_BYTES, &large, Float::F32, usize::MAX), 0);
        // The embedded model.
        assert!(slots_within(DEFAULT_CACHE_BYTES, &shape(3, 2, 24), Float::F32, 1000) > DEFAULT_BATCH);
    }
}
