//! The operations as plain candle operations, for any device and float type.
//!
//! Only differentiable candle operations appear here. Those that candle computes by a custom operation
//! without a backward pass (its softmax, norms and rotations for inference) would cut the graph without an error. Sums
//! over half-precision numbers are made in `f32`, as Hugging Face's models do, and those of their gradients too; but for
//! the embedding's, which candle sums in the type of the weights (see `train::backward`).

use std::ops::Range;

use candle_core::{D, DType, Device, Result, Tensor};

use super::Rotary;

/// Upper bound on the logits of one block of rows, in elements.
const MAX_LOGITS: usize = 1 << 22;

pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let out = x.matmul(&weight.t()?)?;
    match bias {
        // A product, so that the bias's gradient is summed as products are.
        Some(bias) if is_half(x) => {
            out + Tensor::ones((x.dim(0)?, 1), x.dtype(), x.device())?.matmul(&bias.unsqueeze(0)?)?
        }
        Some(bias) => out.broadcast_add(bias),
        None => Ok(out),
    }
}

pub(super) fn linear_add(residual: &Tensor, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    residual + linear(x, weight, None)?
}

pub(super) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    let width = weight.dim(0)?;
    if width == 0 || x.dim(D::Minus1)? % width != 0 {
        candle_core::bail!("rms-norm: x {:?} and weight {:?} do not fit", x.dims(), weight.dims());
    }
    let parts = widened(&x.reshape(((), width))?)?;
    let mean_square = parts.sqr()?.mean_keepdim(D::Minus1)?;
    let normed = parts.broadcast_div(&(mean_square + eps)?.sqrt()?)?;
    // Widened too: its gradient is a sum over all rows.
    normed.broadcast_mul(&widened(weight)?)?.to_dtype(x.dtype())?.reshape(x.shape())
}

pub(super) fn rope(x: &Tensor, rotary: &Rotary) -> Result<Tensor> {
    rotary.check(x)?;
    let (cos, sin) = rotary.tensors(x.dtype(), x.device())?;
    let heads = x.reshape((x.dim(0)?, (), 2 * rotary.half))?;
    let first = heads.narrow(D::Minus1, 0, rotary.half)?;
    let second = heads.narrow(D::Minus1, rotary.half, rotary.half)?;
    let rotated_first = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
    let rotated_second = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
    Tensor::cat(&[rotated_first, rotated_second], D::Minus1)?.reshape(x.shape())
}

pub(super) fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.silu()? * up
}

pub(super) fn gated(x: &Tensor, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    swiglu(&linear(x, gate, None)?, &linear(x, up, None)?)
}

/// Pads to `[B, T, ..]` by gathering rows, attends densely, and gathers the real rows back. A padded key lies
/// behind its sequence, where the causal mask hides it from every real query.
pub(super) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, dim: usize, offsets: &[usize]) -> Result<Tensor> {
    let (rows, width) = q.dims2()?;
    let kv_heads = k.dim(1)? / dim;
    let group = width / dim / kv_heads;
    let sequences = offsets.windows(2).map(|pair| pair[0]..pair[1]).filter(|rows| !rows.is_empty());
    let batch = sequences.clone().count();
    if rows == 0 || batch == 0 {
        return q.zeros_like();
    }
    let (places, real) = padded(sequences);
    let length = places.len() / batch;
    let (places, real) = (Tensor::new(places, q.device())?, Tensor::new(real, q.device())?);

    // [N, KV·G·D] -> [B, T, KV, G, D] -> [B·KV, G·T, D]: the queries of a group share their keys in one
    // product.
    let q = q
        .index_select(&places, 0)?
        .reshape((batch, length, kv_heads, group, dim))?
        .permute((0, 2, 3, 1, 4))?
        .reshape((batch * kv_heads, group * length, dim))?;
    let pad = |x: &Tensor| {
        x.index_select(&places, 0)?.reshape((batch, length, kv_heads, dim))?.transpose(1, 2)?.reshape((
            batch * kv_heads,
            length,
            dim,
        ))
    };
    let mask = causal_mask(0, length, length, q.device())?;
    attend(&q, &pad(k)?, &pad(v)?, &mask, &[batch * kv_heads, group, length, length])?
        .reshape((batch, kv_heads, group, length, dim))?
        .permute((0, 3, 1, 2, 4))?
        .reshape((batch * length, width))?
        .index_select(&real, 0)
}

/// Attention of queries `q [B, M, D]` over keys and values `k` and `v` `[B, T, D]`, to `[B, M, D]`. `mask` is added to the scores as
/// they are seen in `shape`, which has as many elements as `[B, M, T]`.
pub(crate) fn attend(q: &Tensor, k: &Tensor, v: &Tensor, mask: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let scores = widened(&(q.matmul(&k.t()?)? * (q.dim(D::Minus1)? as f64).sqrt().recip())?)?;
    let seen = scores.reshape(shape)?.broadcast_add(&mask.to_dtype(scores.dtype())?)?;
    softmax(&seen)?.to_dtype(v.dtype())?.reshape(scores.shape())?.matmul(v)
}

/// Which row stands at each place of `[B, T]`, where a short range repeats its last row; and the places of
/// the rows that are no repetition.
fn padded(ranges: impl Iterator<Item = Range<usize>> + Clone) -> (Vec<u32>, Vec<u32>) {
    let longest = ranges.clone().map(|range| range.len()).max().unwrap_or(0);
    let (mut rows, mut real) = (Vec::new(), Vec::new());
    for (index, range) in ranges.enumerate() {
        rows.extend((0..longest).map(|t| (range.start + t.min(range.len() - 1)) as u32));
        real.extend((0..range.len()).map(|t| (index * longest + t) as u32));
    }
    (rows, real)
}

/// `[queries, keys]`: `-∞` where a key lies behind the query, of which the first is at position `first`.
pub(crate) fn causal_mask(first: usize, queries: usize, keys: usize, device: &Device) -> Result<Tensor> {
    let mut mask = Vec::with_capacity(queries * keys);
    for position in first..first + queries {
        mask.extend((0..keys).map(|key| if key > position { f32::NEG_INFINITY } else { 0.0 }));
    }
    Tensor::from_vec(mask, (queries, keys), device)
}

/// Half-precision numbers as `f32`, for sums over many of them; others as they are.
fn widened(x: &Tensor) -> Result<Tensor> {
    if is_half(x) { x.to_dtype(DType::F32) } else { Ok(x.clone()) }
}

fn is_half(x: &Tensor) -> bool {
    matches!(x.dtype(), DType::BF16 | DType::F16)
}

fn softmax(x: &Tensor) -> Result<Tensor> {
    // The maximum only guards against overflow: the result does not depend on it, so it needs no gradient.
    let max = x.max_keepdim(D::Minus1)?.detach();
    let exp = x.broadcast_sub(&max)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}

pub(super) fn token_log_probs(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let logits = widened(logits)?;
    let max = logits.max_keepdim(D::Minus1)?.detach();
    let shifted = logits.broadcast_sub(&max)?;
    let log_sum = shifted.exp()?.sum(D::Minus1)?.log()?;
    let targets = Tensor::new(targets, logits.device())?.unsqueeze(1)?;
    shifted.gather(&targets, 1)?.squeeze(1)? - log_sum
}

pub(super) fn head_log_probs(hidden: &Tensor, head: &Tensor, targets: &[(usize, u32)]) -> Result<Tensor> {
    if targets.is_empty() {
        return widened(&Tensor::zeros(0, hidden.dtype(), hidden.device())?);
    }
    let rows_per_block = (MAX_LOGITS / head.dim(0)?).max(1);
    let blocks = targets
        .chunks(rows_per_block)
        .map(|block| {
            let (rows, tokens): (Vec<u32>, Vec<u32>) =
                block.iter().map(|(row, token)| (*row as u32, *token)).unzip();
            let rows = hidden.index_select(&Tensor::new(rows, hidden.device())?, 0)?;
            token_log_probs(&linear(&rows, head, None)?, &tokens)
        })
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&blocks, 0)
}
