//! AdamW with decoupled weight decay.
//!
//! Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, as in PyTorch:
//!
//! ```text
//! p <- p * (1 - lr * decay)
//! m <- b1 * m + (1 - b1) * g        v <- b2 * v + (1 - b2) * g^2
//! p <- p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
//! ```
//!
//! with `t` counted from 1. Models in `f32` on the CPU are updated in place by own code ([`AdamW`]); all others by candle's
//! operations where they are, from weights and moments in `f32`.

mod device;
mod host;

use std::collections::BTreeMap;

use candle_core::{CpuStorage, Storage, Tensor};
use serde::{Deserialize, Serialize};

use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::tensor_file::Source;

use device::DeviceAdamW;
pub use host::{AdamW, Gradients, Moments};

/// Which tensors decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayGroup {
    /// All of them.
    All,
    /// Projections only: not norms, biases or the embedding. An untied head counts as a projection.
    Projections,
}

impl DecayGroup {
    /// Whether a tensor of this Hugging Face name and rank decays.
    #[must_use]
    pub fn contains(self, name: &str, rank: usize) -> bool {
        match self {
            Self::All => true,
            Self::Projections => rank >= 2 && !name.ends_with("embed_tokens.weight"),
        }
    }
}

/// The constants of [`AdamW`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first and the second moment, each in `[0, 1)`.
    pub betas: (f64, f64),
    /// Added to the root of the second moment, above 0.
    pub eps: f64,
    /// Decay of the weights per unit of learning rate, at least 0.
    pub weight_decay: f64,
    /// The tensors that decay.
    pub decay: DecayGroup,
}

/// The factor that brings gradients of norm `norm` down to the norm `limit`, at most 1.
///
/// `limit / (norm + 1e-6)` as in PyTorch's `clip_grad_norm_`.
#[must_use]
pub fn clip_factor(norm: f64, limit: Option<f64>) -> f64 {
    limit.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0))
}

/// The coefficients of one step for one variable.
#[derive(Clone, Copy)]
struct Rates {
    /// What weight decay leaves of a weight.
    keep: f64,
    b1: f64,
    b2: f64,
    /// The learning rate over the first moment's bias.
    rate: f64,
    /// The inverse root of the second moment's bias.
    inverse_root: f64,
    eps: f64,
}

impl AdamWConfig {
    /// The coefficients of step `step`, counted from 1, for a variable of this name and rank.
    fn rates(&self, step: u64, learning_rate: f64, name: &str, rank: usize) -> Rates {
        let Self { betas: (b1, b2), eps, weight_decay, decay } = *self;
        let t = i32::try_from(step).unwrap_or(i32::MAX);
        let decay = if decay.contains(name, rank) { weight_decay } else { 0.0 };
        Rates {
            keep: 1.0 - learning_rate * decay,
            b1,
            b2,
            rate: learning_rate / (1.0 - b1.powi(t)),
            inverse_root: 1.0 / (1.0 - b2.powi(t)).sqrt(),
            eps,
        }
    }
}

/// AdamW with the gradients of a step, in the form that fits where the decoder computes.
#[derive(Debug)]
pub(crate) enum Optimiser {
    /// In buffers, for `f32` on the CPU.
    Host { adamw: AdamW, gradients: Gradients },
    /// In tensors.
    Device(DeviceAdamW),
}

impl Optimiser {
    /// An optimiser that has made no step.
    pub(crate) fn new(config: AdamWConfig, decoder: &Decoder) -> Result<Self> {
        let vars = decoder.vars();
        if decoder.placement().is_cpu_f32() {
            return Ok(Self::Host { adamw: AdamW::new(config, vars), gradients: Gradients::zeros(vars) });
        }
        Ok(Self::Device(DeviceAdamW::new(config, vars)?))
    }

    /// Goes on after `step` steps with these weights, in `f32`, and moments. The decoder gets the weights.
    ///
    /// # Errors
    /// [`LmError::MissingTensor`] if a variable is not among them.
    pub(crate) fn restore(
        &mut self,
        decoder: &Decoder,
        step: u64,
        weights: BTreeMap<String, Tensor>,
        moments: BTreeMap<String, Moments>,
    ) -> Result<()> {
        for (name, var) in decoder.vars() {
            let Some(values) = weights.get(name) else {
                return Err(LmError::MissingTensor { name: name.clone() });
            };
            var.set(&values.to_dtype(var.dtype())?)?;
        }
        match self {
            Self::Host { adamw, .. } => *adamw = AdamW::restore(adamw.config(), step, moments),
            Self::Device(adamw) => adamw.restore(step, weights, moments)?,
        }
        Ok(())
    }

    /// The number of steps made.
    pub(crate) fn step(&self) -> u64 {
        match self {
            Self::Host { adamw, .. } => adamw.step(),
            Self::Device(adamw) => adamw.step(),
        }
    }

    /// Sets all gradients to zero.
    pub(crate) fn clear(&mut self) {
        match self {
            Self::Host { gradients, .. } => gradients.clear(),
            Self::Device(adamw) => adamw.clear(),
        }
    }

    /// Adds to one variable's gradient.
    ///
    /// # Errors
    /// [`LmError::GradientShape`] if the name is unknown or the shape another one.
    pub(crate) fn add(&mut self, name: &str, gradient: &Tensor) -> Result<()> {
        match self {
            Self::Host { gradients, .. } => add_on_host(gradients, name, gradient),
            Self::Device(adamw) => adamw.add(name, gradient),
        }
    }

    /// The Euclidean norm of all gradients together.
    pub(crate) fn norm(&self) -> Result<f64> {
        match self {
            Self::Host { gradients, .. } => Ok(gradients.norm()),
            Self::Device(adamw) => adamw.norm(),
        }
    }

    /// The variables whose gradient is zero throughout or not finite.
    pub(crate) fn uncovered(&self) -> Result<Vec<String>> {
        match self {
            Self::Host { gradients, .. } => Ok(gradients.uncovered()),
            Self::Device(adamw) => adamw.uncovered(),
        }
    }

    /// Makes a step with the gradients times `factor` (see [`clip_factor`]).
    pub(crate) fn update(&mut self, decoder: &Decoder, learning_rate: f64, factor: f64) -> Result<()> {
        match self {
            Self::Host { adamw, gradients } => adamw.update(decoder.vars(), gradients, learning_rate, factor),
            Self::Device(adamw) => adamw.update(decoder.vars(), learning_rate, factor),
        }
    }

    /// A copy of the moments by variable.
    pub(crate) fn moments(&self) -> Result<BTreeMap<String, Moments>> {
        match self {
            Self::Host { adamw, .. } => Ok(adamw.moments().clone()),
            Self::Device(adamw) => adamw.moments(),
        }
    }

    /// The weights in the precision in which they are updated, by name.
    pub(crate) fn weights<'a>(&'a self, decoder: &'a Decoder) -> BTreeMap<&'a String, &'a Tensor> {
        let mut weights: BTreeMap<_, _> = decoder.tensors().iter().collect();
        if let Self::Device(adamw) = self {
            weights.extend(adamw.masters());
        }
        weights
    }

    /// The moments as they are written: `first.NAME`, `second.NAME`.
    pub(crate) fn written_moments(&self) -> Vec<(String, Source<'_>)> {
        match self {
            Self::Host { adamw, .. } => {
                named(adamw.moments().iter().map(|(name, moments)| {
                    (name, [Source::F32(&moments.first), Source::F32(&moments.second)])
                }))
            }
            Self::Device(adamw) => {
                named(adamw.moments_in_place().map(|(name, moments)| (name, moments.map(Source::Tensor))))
            }
        }
    }
}

fn named<'a>(moments: impl Iterator<Item = (&'a String, [Source<'a>; 2])>) -> Vec<(String, Source<'a>)> {
    let pair = |(name, [first, second]): (&String, [Source<'a>; 2])| {
        [(format!("first.{name}"), first), (format!("second.{name}"), second)]
    };
    moments.flat_map(pair).collect()
}

/// Adds a gradient in `f32` on the CPU.
fn add_on_host(gradients: &mut Gradients, name: &str, gradient: &Tensor) -> Result<()> {
    let gradient = gradient.contiguous()?;
    let (storage, layout) = gradient.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => {
            gradients.add(name, &values[start..end])
        }
        _ => Err(LmError::GradientShape { name: name.to_owned() }),
    }
}
