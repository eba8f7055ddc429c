//! What a training run takes of memory, before it runs.

use std::fmt;

use crate::config::Config;
use crate::error::{LmError, Result};
use crate::layout::layout;
use crate::placement::Placement;

use super::Activations;
use super::backward::most_logits;

/// What a training run takes of its device's memory, in bytes: an estimate from the shapes of what is held at one time, for the
/// reference kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The weights that the model computes with.
    pub weights: u64,
    /// What the optimiser keeps of each weight: itself in `f32`, if the model's own is not, two moments and a gradient.
    pub optimiser: u64,
    /// What the largest variable's update takes on top of that.
    pub update: u64,
    /// What of a forward pass is held for the backward pass.
    pub activations: u64,
    /// The logits of one block of rows, with what is made of them.
    pub head: u64,
}

/// The pieces of a batch that pass the decoder together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartSize {
    /// Its tokens, with those that shorter sequences are filled up with.
    pub tokens: u64,
    /// The longest of its sequences, in tokens.
    pub longest: u64,
}

impl MemoryPlan {
    /// The plan of a model of this shape.
    #[must_use]
    pub fn of(config: &Config, placement: &Placement, activations: Activations, part: PartSize) -> Self {
        let size = placement.float.dtype().size_in_bytes() as u64;
        let counts = layout(config).into_iter().map(|spec| spec.shape.iter().product::<usize>() as u64);
        let (all, largest) = counts.fold((0, 0), |(all, largest), count| (all + count, count.max(largest)));
        let master = if size < 4 { 4 } else { 0 };
        let (layer, layers) = (layer(config, size, part), config.num_layers as u64);
        let held = match activations {
            Activations::Kept => layers * layer,
            Activations::Recomputed => layers * part.tokens * config.hidden_size as u64 * size + layer,
        };
        let rows = part.tokens.min((most_logits(placement.is_cpu()) / config.vocab_size).max(1) as u64);
        Self {
            weights: all * size,
            optimiser: all * (master + 12),
            update: largest * 24,
            // The gradients of one layer's results, at the time that they are all there.
            activations: held + layer / 2,
            head: rows * config.vocab_size as u64 * (16 + 2 * size),
        }
    }

    /// All of it. The head and the update have their time after one another.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.weights + self.optimiser + self.activations + self.head.max(self.update)
    }

    /// Refuses a plan that does not fit into the free memory of its device.
    ///
    /// # Errors
    /// [`LmError::DeviceMemory`].
    pub fn fits(&self, free: u64) -> Result<()> {
        if self.total() <= free { Ok(()) } else { Err(LmError::DeviceMemory { plan: *self, free }) }
    }
}

/// `12.3 GiB: weights 1.2, optimiser 8.4, …`.
impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        write!(
            f,
            "{:.1} GiB: weights {:.1}, optimiser {:.1}, activations {:.1}, head {:.1}",
            gib(self.total()),
            gib(self.weights),
            gib(self.optimiser),
            gib(self.activations),
            gib(self.head.max(self.update)),
        )
    }
}

/// Bytes of all results of one layer's operations, which the graph holds: the reference's, one after the other.
fn layer(config: &Config, size: u64, part: PartSize) -> u64 {
    let [d, ff, heads, kv_heads, dim] = [
        config.hidden_size,
        config.intermediate_size,
        config.num_heads,
        config.num_kv_heads,
        config.head_dim,
    ]
    .map(|value| value as u64);
    // Sums over numbers in half precision are made in `f32`: the widened numbers and the narrowed result are held too.
    let (widened, narrowed) = if size < 4 { (4, size) } else { (0, 0) };
    let norm = |width: u64| width * (widened + 4 + 4 + 4 + narrowed);
    let (queries, keys) = (heads * dim, kv_heads * dim);
    let head_norms = if config.qk_norm() { norm(queries) + norm(keys) } else { 0 };
    // A bias in half precision is a product that is added.
    let results = 1 + u64::from(config.qkv_bias) * if size < 4 { 2 } else { 1 };
    let projected = size * (queries + 2 * keys) * results;
    let rotated = 4 * size * (queries + keys);
    // Gathered, turned and multiplied; the scores scaled, masked, and through a softmax.
    let gathered = size * (5 * queries + 4 * keys);
    let scores = heads * part.longest * (2 * size + widened + 4 * 4 + narrowed);
    let gated = 4 * size * ff;
    part.tokens * (2 * norm(d) + head_norms + projected + rotated + gathered + scores + gated + 4 * size * d)
}
