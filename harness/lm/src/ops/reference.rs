//! The operations as plain candle operations: the oracle.
//!
//! Only differentiable candle operations appear here. Those that candle computes by a custom operation
//! without a backward pass (its fused softmax, norms and rotations) would cut the graph without an error.

use candle_core::{D, Result, Tensor};

use super::Rotary;

/// Upper bound on the logits of one block of rows, in elements.
const MAX_LOGITS: usize = 1 << 22;

pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let out = x.matmul(&weight.t()?)?;
    match bias {
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
    let parts = x.reshape(((), width))?;
    let mean_square = parts.sqr()?.mean_keepdim(D::Minus1)?;
    parts.broadcast_div(&(mean_square + eps)?.sqrt()?)?.broadcast_mul(weight)?.reshape(x.shape())
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

/// Pads to `[B, T, ..]` by gathering rows, attends densely, and gathers the real rows back.
///
/// Padding lies behind each sequence, so the causal mask alone hides it from every real query.
pub(super) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, dim: usize, offsets: &[usize]) -> Result<Tensor> {
    let (rows, width) = q.dims2()?;
    let (heads, kv_heads) = (width / dim, k.dim(1)? / dim);
    let lengths: Vec<usize> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (batch, longest) = (lengths.len(), lengths.iter().copied().max().unwrap_or(0));
    if rows == 0 {
        return q.zeros_like();
    }

    let mut padded_to_row = Vec::with_capacity(batch * longest);
    let mut row_to_padded = Vec::with_capacity(rows);
    for (index, (start, length)) in offsets.iter().zip(&lengths).enumerate() {
        padded_to_row.extend((0..longest).map(|t| (start + t.min(length - 1)) as u32));
        row_to_padded.extend((0..*length).map(|t| (index * longest + t) as u32));
    }
    let padded_to_row = Tensor::new(padded_to_row, q.device())?;
    let row_to_padded = Tensor::new(row_to_padded, q.device())?;

    // [N, KV·G·D] -> [B, T, KV, G, D] -> [B·KV, G·T, D]: the queries of a group share their keys in one
    // product.
    let group = heads / kv_heads;
    let q = q
        .index_select(&padded_to_row, 0)?
        .reshape((batch, longest, kv_heads, group, dim))?
        .permute((0, 2, 3, 1, 4))?
        .reshape((batch * kv_heads, group * longest, dim))?;
    let pad = |x: &Tensor| {
        x.index_select(&padded_to_row, 0)?
            .reshape((batch, longest, kv_heads, dim))?
            .transpose(1, 2)?
            .reshape((batch * kv_heads, longest, dim))
    };
    let (k, v) = (pad(k)?, pad(v)?);

    let scores = (q.matmul(&k.t()?)? * (dim as f64).sqrt().recip())?;
    let mask: Vec<f32> = (0..group)
        .flat_map(|_| {
            (0..longest).flat_map(|i| (0..longest).map(move |j| if j > i { f32::NEG_INFINITY } else { 0.0 }))
        })
        .collect();
    let mask = Tensor::from_vec(mask, (1, group * longest, longest), q.device())?.to_dtype(q.dtype())?;
    let weights = softmax(&scores.broadcast_add(&mask)?)?;
    weights
        .matmul(&v)?
        .reshape((batch, kv_heads, group, longest, dim))?
        .permute((0, 3, 1, 2, 4))?
        .reshape((batch * longest, width))?
        .index_select(&row_to_padded, 0)
}

fn softmax(x: &Tensor) -> Result<Tensor> {
    // The maximum only guards against overflow: the result does not depend on it, so it needs no gradient.
    let max = x.max_keepdim(D::Minus1)?.detach();
    let exp = x.broadcast_sub(&max)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}

pub(super) fn token_log_probs(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    let max = logits.max_keepdim(D::Minus1)?.detach();
    let shifted = logits.broadcast_sub(&max)?;
    let log_sum = shifted.exp()?.sum(D::Minus1)?.log()?;
    let targets = Tensor::new(targets, logits.device())?.unsqueeze(1)?;
    shifted.gather(&targets, 1)?.squeeze(1)? - log_sum
}

pub(super) fn head_log_probs(hidden: &Tensor, head: &Tensor, targets: &[(usize, u32)]) -> Result<Tensor> {
    if targets.is_empty() {
        return Tensor::zeros(0, hidden.dtype(), hidden.device());
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
