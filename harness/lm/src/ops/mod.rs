//! The decoder's operations, each with two kinds of kernels: the CPU kernels and the reference.
//!
//! Shapes: `N` rows (tokens of a batch, laid end to end), `d` width of the hidden state, `H` query heads,
//! `KV` key and value heads, `D` width of a head, `V` vocabulary. Every operation is differentiable with
//! respect to each of its float tensors with both.

mod cpu;
mod reference;
mod rotary;

use candle_core::{Result, Tensor};

pub use rotary::{Rotary, RotaryTable};

use crate::placement::Kernels;
pub(crate) use reference::{attend, causal_mask};

/// Rows of the embedding: `weight [V, d]`, `tokens` (each below `V`) to `[tokens.len(), d]`.
pub fn embedding(weight: &Tensor, tokens: &[u32]) -> Result<Tensor> {
    weight.index_select(&Tensor::new(tokens, weight.device())?, 0)
}

/// `x wᵀ + b`: `x [N, in]`, `weight [out, in]`, `bias [out]` to `[N, out]`.
///
/// With [`Kernels::Cpu`] a row of the result depends on no other row, not even on their number, down to the
/// last bit.
pub fn linear(kernels: Kernels, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::linear(x, weight, bias),
        Kernels::Cpu => cpu::linear(x, weight, bias),
    }
}

/// `residual + x wᵀ`: `residual [N, out]`, `x [N, in]`, `weight [out, in]` to `[N, out]`. The same promise as
/// [`linear`]'s.
pub fn linear_add(kernels: Kernels, residual: &Tensor, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::linear_add(residual, x, weight),
        Kernels::Cpu => cpu::linear_add(residual, x, weight),
    }
}

/// Root-mean-square norm, `x / sqrt(mean(x²) + eps) · w`, over the last dimension or each head within it: `x
/// [.., H·D]`, `weight [D]`.
///
/// Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
pub fn rms_norm(kernels: Kernels, x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::rms_norm(x, weight, eps),
        Kernels::Cpu => cpu::rms_norm(x, weight, eps),
    }
}

/// Rotary position embedding of each head, `x [N, H·D]` or `[N, H, D]`, pairing component `i` with `i + D/2`.
///
/// Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, in the half-split order
/// of Hugging Face's weights.
pub fn rope(kernels: Kernels, x: &Tensor, rotary: &Rotary) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::rope(x, rotary),
        Kernels::Cpu => cpu::rope(x, rotary),
    }
}

/// `silu(gate) · up`, element by element, with `silu(x) = x / (1 + exp(-x))`: two tensors of one shape.
///
/// Shazeer, "GLU Variants Improve Transformer", 2020.
pub fn swiglu(kernels: Kernels, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::swiglu(gate, up),
        Kernels::Cpu => cpu::swiglu(gate, up),
    }
}

/// The gated half of a feed-forward layer, `silu(x gateᵀ) · (x upᵀ)`: `x [N, d]`, `gate` and `up` `[F, d]` to
/// `[N, F]`.
pub fn gated(kernels: Kernels, x: &Tensor, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::gated(x, gate, up),
        Kernels::Cpu => cpu::gated(x, gate, up),
    }
}

/// Causal attention within each sequence: `q [N, H·D]`, `k` and `v` `[N, KV·D]` to `[N, H·D]`, for heads of
/// width `head_dim`.
///
/// Query head `h` reads key and value head `h / (H / KV)`. Scores are scaled by `1/sqrt(D)`. `offsets` are
/// the boundaries of the sequences, as in [`Sequences::offsets`](crate::Sequences::offsets).
pub fn attention(
    kernels: Kernels,
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    head_dim: usize,
    offsets: &[usize],
) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::attention(q, k, v, head_dim, offsets),
        Kernels::Cpu => cpu::attention(q, k, v, head_dim, offsets),
    }
}

/// Log-probability of one token per row: `logits [M, V]`, `targets` of length `M`, each below `V`, to `[M]`.
pub fn token_log_probs(kernels: Kernels, logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::token_log_probs(logits, targets),
        Kernels::Cpu => cpu::token_log_probs(logits, targets),
    }
}

/// Log-probability of tokens under the head: for each target `(row, token)`, `log softmax(hidden[row] ·
/// headᵀ)[token]`; `hidden [N, d]`, `head [V, d]` to `[targets.len()]`.
///
/// Only the named rows pass the head, and the CPU kernels never hold more than a bounded number of
/// logits.
pub fn head_log_probs(
    kernels: Kernels,
    hidden: &Tensor,
    head: &Tensor,
    targets: &[(usize, u32)],
) -> Result<Tensor> {
    match kernels {
        Kernels::Reference => reference::head_log_probs(hidden, head, targets),
        Kernels::Cpu => cpu::head_log_probs(hidden, head, targets),
    }
}
