//! Causal attention over sequences laid end to end.
//!
//! Scores exist for one head and one block of queries at a time; the backward pass computes them again (Rabe
//! and Staats, "Self-attention Does Not Need O(n²) Memory", 2021). A sequence is one unit of parallel work,
//! so that its gradients are added up in one order.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::parallel::for_each;
use super::{Held, elements, gradient, output};
use crate::simd::gemm::{Mat, MatMut, Output, multiply};
use crate::simd::reduce::{TRAINING_LANES as LANES, dot, max, sum};
use crate::simd::{exp, vectorized};

/// Queries computed together. Keys behind the last of them are skipped, so smaller blocks waste less above
/// the diagonal.
const QUERIES: usize = 64;

pub(in crate::ops) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    dim: usize,
    offsets: &[usize],
) -> Result<Tensor> {
    q.contiguous()?.apply_op3(
        &k.contiguous()?,
        &v.contiguous()?,
        Attention { dim, offsets: offsets.to_vec() },
    )
}

struct Attention {
    /// Width of a head.
    dim: usize,
    /// Boundaries of the sequences.
    offsets: Vec<usize>,
}

/// Numbers of heads and the width of one.
#[derive(Clone, Copy)]
struct Heads {
    queries: usize,
    keys: usize,
    dim: usize,
}

/// A block of queries of one head: which rows, and where in a row.
#[derive(Clone, Copy)]
struct Block {
    start: usize,
    end: usize,
    /// Where the head starts in a row of queries.
    q_at: usize,
    /// Where its key and value head starts in a row of keys.
    kv_at: usize,
}

impl Heads {
    fn of(q: &Shape, k: &Shape, v: &Shape, dim: usize) -> Result<Self> {
        let ((rows, q_width), (k_rows, k_width)) = (q.dims2()?, k.dims2()?);
        let whole_heads =
            dim > 0 && k_width > 0 && q_width.is_multiple_of(dim) && k_width.is_multiple_of(dim);
        if k != v || k_rows != rows || !whole_heads || !q_width.is_multiple_of(k_width) {
            let (q, k, v) = (q.dims(), k.dims(), v.dims());
            candle_core::bail!("attention: q {q:?}, k {k:?} and v {v:?} do not fit in heads of {dim}");
        }
        Ok(Self { queries: q_width / dim, keys: k_width / dim, dim })
    }

    /// Elements in a row of queries.
    fn q_row(self) -> usize {
        self.queries * self.dim
    }

    /// Elements in a row of keys or values.
    fn kv_row(self) -> usize {
        self.keys * self.dim
    }

    fn scale(self) -> f32 {
        (self.dim as f64).sqrt().recip() as f32
    }

    /// The blocks of a sequence: head after head, first query to last.
    fn blocks(self, length: usize) -> impl Iterator<Item = Block> {
        (0..self.queries).flat_map(move |head| {
            let (q_at, kv_at) = (head * self.dim, head / (self.queries / self.keys) * self.dim);
            (0..length).step_by(QUERIES).map(move |start| Block {
                start,
                end: (start + QUERIES).min(length),
                q_at,
                kv_at,
            })
        })
    }

    /// The block's rows of `x [T, H·D]`.
    fn q_block(self, x: &[f32], block: Block) -> Mat<'_> {
        let Block { start, end, q_at, .. } = block;
        Mat::strided(&x[start * self.q_row() + q_at..], end - start, self.dim, self.q_row())
    }

    fn q_block_mut(self, x: &mut [f32], block: Block) -> MatMut<'_> {
        let Block { start, end, q_at, .. } = block;
        MatMut::strided(&mut x[start * self.q_row() + q_at..], end - start, self.dim, self.q_row())
    }

    /// The rows of `x [T, KV·D]` that some query of the block can see.
    fn kv_block(self, x: &[f32], block: Block) -> Mat<'_> {
        Mat::strided(&x[block.kv_at..], block.end, self.dim, self.kv_row())
    }

    fn kv_block_mut(self, x: &mut [f32], block: Block) -> MatMut<'_> {
        MatMut::strided(&mut x[block.kv_at..], block.end, self.dim, self.kv_row())
    }

    /// The attention weights of a block, `[queries, keys]`: `softmax(scale · q kᵀ)`, 0 above the diagonal.
    fn weights(self, q: &[f32], k: &[f32], block: Block, weights: &mut [f32]) {
        let (queries, keys) = (block.end - block.start, block.end);
        let scores = MatMut::new(weights, queries, keys);
        multiply(self.scale(), self.q_block(q, block), self.kv_block(k, block).t(), Output::Set, scores);
        vectorized(
            #[inline(always)]
            || {
                for (row, scores) in weights.chunks_exact_mut(keys).enumerate() {
                    let (visible, hidden) = scores.split_at_mut(block.start + row + 1);
                    hidden.fill(0.0);
                    softmax(visible);
                }
            },
        );
    }

    fn forward(self, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32]) {
        let length = q.len() / self.q_row();
        let mut scratch = vec![0.0; length.min(QUERIES) * length];
        for block in self.blocks(length) {
            let (queries, keys) = (block.end - block.start, block.end);
            let weights = &mut scratch[..queries * keys];
            self.weights(q, k, block, weights);
            let weights = Mat::new(weights, queries, keys);
            multiply(1.0, weights, self.kv_block(v, block), Output::Set, self.q_block_mut(out, block));
        }
    }

    /// With weights `P`, `dP = dO Vᵀ` and `dS = P · (dP - rowsum(P · dP))`: `dV += Pᵀ dO`, `dQ = scale · dS
    /// K`, `dK += scale · dSᵀ Q`.
    fn backward(self, [q, k, v, d_out]: [&[f32]; 4], [dq, dk, dv]: [&mut [f32]; 3]) {
        let length = q.len() / self.q_row();
        let mut scratch = vec![0.0; 2 * length.min(QUERIES) * length];
        for block in self.blocks(length) {
            let (queries, keys) = (block.end - block.start, block.end);
            let (weights, rest) = scratch.split_at_mut(queries * keys);
            let d_scores = &mut rest[..queries * keys];
            self.weights(q, k, block, weights);
            let d_out = self.q_block(d_out, block);
            let p = Mat::new(weights, queries, keys);
            multiply(1.0, p.t(), d_out, Output::Add, self.kv_block_mut(dv, block));
            let target = MatMut::new(d_scores, queries, keys);
            multiply(1.0, d_out, self.kv_block(v, block).t(), Output::Set, target);
            vectorized(
                #[inline(always)]
                || {
                    for (p, d) in weights.chunks_exact(keys).zip(d_scores.chunks_exact_mut(keys)) {
                        softmax_gradient(p, d);
                    }
                },
            );
            let d_scores = Mat::new(d_scores, queries, keys);
            multiply(
                self.scale(),
                d_scores,
                self.kv_block(k, block),
                Output::Set,
                self.q_block_mut(dq, block),
            );
            multiply(
                self.scale(),
                d_scores.t(),
                self.q_block(q, block),
                Output::Add,
                self.kv_block_mut(dk, block),
            );
        }
    }
}

#[inline(always)]
fn softmax(values: &mut [f32]) {
    let max = max::<LANES>(values);
    for value in values.iter_mut() {
        *value = exp(*value - max);
    }
    let scale = sum::<LANES>(values).recip();
    for value in values.iter_mut() {
        *value *= scale;
    }
}

/// Turns the gradient of softmax weights `p` into that of their scores. Where `p` is 0 so is the result.
#[inline(always)]
fn softmax_gradient(p: &[f32], d: &mut [f32]) {
    let p = &p[..d.len()];
    let mean = dot::<LANES>(p, d);
    for (d, p) in d.iter_mut().zip(p) {
        *d = p * (*d - mean);
    }
}

impl Attention {
    /// The part of each sequence in `values`, whose rows have `width` elements.
    fn split<'a>(&self, values: &'a [f32], width: usize) -> impl Iterator<Item = &'a [f32]> {
        self.offsets.windows(2).map(move |pair| &values[pair[0] * width..pair[1] * width])
    }

    fn split_mut<'a>(&self, mut values: &'a mut [f32], width: usize) -> impl Iterator<Item = &'a mut [f32]> {
        self.offsets.windows(2).map(move |pair| {
            let (sequence, rest) = std::mem::take(&mut values).split_at_mut((pair[1] - pair[0]) * width);
            values = rest;
            sequence
        })
    }

    fn check(&self, rows: usize) -> Result<()> {
        let rising = self.offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if self.offsets.first() != Some(&0) || self.offsets.last() != Some(&rows) || !rising {
            candle_core::bail!("attention: boundaries {:?} do not partition {rows} rows", self.offsets);
        }
        Ok(())
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "causal-attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        lq: &Layout,
        k: &CpuStorage,
        lk: &Layout,
        v: &CpuStorage,
        lv: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let heads = Heads::of(lq.shape(), lk.shape(), lv.shape(), self.dim)?;
        self.check(lq.dims()[0])?;
        let (q, k, v) = (elements(q, lq)?, elements(k, lk)?, elements(v, lv)?);
        let mut out = vec![0.0; q.len()];
        let inputs = self
            .split(q, heads.q_row())
            .zip(self.split(k, heads.kv_row()))
            .zip(self.split(v, heads.kv_row()));
        for_each(inputs.zip(self.split_mut(&mut out, heads.q_row())), |(((q, k), v), out)| {
            heads.forward(q, k, v, out)
        });
        output(out, lq.shape().clone())
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let heads = Heads::of(q.shape(), k.shape(), v.shape(), self.dim)?;
        let held = [Held::new(q)?, Held::new(k)?, Held::new(v)?, Held::new(grad)?];
        let [qs, ks, vs, grads] = held.each_ref().map(Held::read);
        let (qs, ks, vs, grads) = (qs.elements()?, ks.elements()?, vs.elements()?, grads.elements()?);
        let (mut dq, mut dk, mut dv) = (vec![0.0; qs.len()], vec![0.0; ks.len()], vec![0.0; vs.len()]);
        let (q_row, kv_row) = (heads.q_row(), heads.kv_row());
        let inputs = self.split(qs, q_row).zip(self.split(ks, kv_row));
        let inputs = inputs.zip(self.split(vs, kv_row).zip(self.split(grads, q_row)));
        let outputs = self.split_mut(&mut dq, q_row).zip(self.split_mut(&mut dk, kv_row));
        let outputs = outputs.zip(self.split_mut(&mut dv, kv_row));
        for_each(inputs.zip(outputs), |(((q, k), (v, grad)), ((dq, dk), dv))| {
            heads.backward([q, k, v, grad], [dq, dk, dv]);
        });
        Ok((gradient(dq, q)?, gradient(dk, k)?, gradient(dv, v)?))
    }
}
