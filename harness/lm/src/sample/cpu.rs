//! Decoding on plain `f32` slices: packed weights, buffers that are reused, no tensor per step.
//!
//! Rows are computed in tiles, in parallel. No value of a row depends on the other rows of a call, so a
//! sequence gets the same bits alone or in any batch, for any number of threads.

use candle_core::Tensor;
use rayon::prelude::*;

use super::cache::{Cache, CacheShape};
use super::forward::{Forward, Row};
use super::kernels::{self, Attend};
use super::matmul::Packed;
use crate::decoder::{Decoder, Layer, Projection};
use crate::error::Result;
use crate::ops;
use crate::placement::Kernels;

/// A decoder's weights, laid out for decoding.
#[derive(Debug)]
pub(crate) struct Weights {
    vocabulary: usize,
    hidden: usize,
    feed_forward: usize,
    heads: usize,
    kv_heads: usize,
    dim: usize,
    eps: f32,
    embedding: Vec<f32>,
    layers: Vec<LayerWeights>,
    norm: Vec<f32>,
    head: Packed,
}

#[derive(Debug)]
struct LayerWeights {
    input_norm: Vec<f32>,
    qkv: Packed,
    q_norm: Option<Vec<f32>>,
    k_norm: Option<Vec<f32>>,
    output: Packed,
    feed_norm: Vec<f32>,
    gate_up: Packed,
    down: Packed,
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

impl Weights {
    pub(crate) fn new(decoder: &Decoder) -> Result<Self> {
        let config = decoder.config();
        let hidden = config.hidden_size;
        Ok(Self {
            vocabulary: config.vocab_size,
            hidden,
            feed_forward: config.intermediate_size,
            heads: config.num_heads,
            kv_heads: config.num_kv_heads,
            dim: config.head_dim,
            eps: config.rms_norm_eps as f32,
            embedding: values(decoder.embedding())?,
            layers: decoder
                .layers()
                .iter()
                .map(|layer| LayerWeights::new(layer, hidden))
                .collect::<Result<_>>()?,
            norm: values(decoder.norm())?,
            head: Packed::stack(&[&values(decoder.head())?], hidden, None),
        })
    }

    fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.dim
    }
}

impl LayerWeights {
    fn new(layer: &Layer, hidden: usize) -> Result<Self> {
        let optional = |norm: &Option<Tensor>| norm.as_ref().map(values).transpose();
        Ok(Self {
            input_norm: values(&layer.input_layernorm)?,
            qkv: stack(&[&layer.q_proj, &layer.k_proj, &layer.v_proj])?,
            q_norm: optional(&layer.q_norm)?,
            k_norm: optional(&layer.k_norm)?,
            output: stack(&[&layer.o_proj])?,
            feed_norm: values(&layer.post_attention_layernorm)?,
            gate_up: Packed::stack(&[&values(&layer.gate_proj)?, &values(&layer.up_proj)?], hidden, None),
            down: Packed::stack(&[&values(&layer.down_proj)?], layer.down_proj.dim(1)?, None),
        })
    }
}

/// Projections of one input, stacked; a missing bias beside a present one is zero.
fn stack(projections: &[&Projection]) -> Result<Packed> {
    let mut weights = Vec::new();
    let mut biases = Vec::new();
    let mut inputs = 0;
    for projection in projections {
        let (outputs, width) = projection.weight.dims2()?;
        inputs = width;
        weights.push(values(&projection.weight)?);
        match &projection.bias {
            Some(bias) => biases.extend(values(bias)?),
            None => biases.resize(biases.len() + outputs, 0.0),
        }
    }
    let any_bias = projections.iter().any(|p| p.bias.is_some());
    let slices: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
    Ok(Packed::stack(&slices, inputs, any_bias.then_some(biases)))
}

/// Decoding with the CPU kernels.
#[derive(Debug)]
pub(crate) struct CpuForward<'a> {
    weights: &'a Weights,
    /// Cosines, then sines, of each position: `[capacity, dim]`.
    rotary: Vec<f32>,
    caches: Vec<Cache>,
    x: Vec<f32>,
    qkv: Vec<f32>,
    tiles: Vec<Tile>,
}

/// The buffers of one tile.
#[derive(Debug, Default)]
struct Tile {
    normed: Vec<f32>,
    attended: Vec<f32>,
    gate_up: Vec<f32>,
    gated: Vec<f32>,
    scores: Vec<f32>,
    matmul: Vec<f32>,
}

/// Makes `buffer` have `len` values; which ones does not matter.
fn sized(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    buffer.resize(len, 0.0);
    buffer
}

impl<'a> CpuForward<'a> {
    /// `slots` sequences of up to `capacity` positions.
    pub(crate) fn new(
        decoder: &Decoder,
        weights: &'a Weights,
        slots: usize,
        capacity: usize,
    ) -> Result<Self> {
        let shape = CacheShape { slots, capacity, heads: weights.kv_heads, dim: weights.dim };
        Ok(Self {
            weights,
            rotary: rotary_rows(decoder, capacity)?,
            caches: weights.layers.iter().map(|_| Cache::new(shape)).collect(),
            x: Vec::new(),
            qkv: Vec::new(),
            tiles: Vec::new(),
        })
    }
}

/// The decoder's own rotation applied to `(1, .., 1, 0, .., 0)`, which gives the cosines and then the sines.
fn rotary_rows(decoder: &Decoder, positions: usize) -> Result<Vec<f32>> {
    let dim = decoder.config().head_dim;
    let rotary = decoder.rotary(&(0..positions as u32).collect::<Vec<_>>())?;
    let unit = [vec![1f32; dim / 2], vec![0f32; dim / 2]].concat().repeat(positions);
    let unit = Tensor::from_vec(unit, (positions, 1, dim), decoder.embedding().device())?;
    values(&ops::rope(Kernels::Reference, &unit, &rotary)?)
}

/// Rows per tile: about one tile per thread, within bounds that keep a tile's buffers in cache.
fn tile_rows(rows: usize) -> usize {
    rows.div_ceil(rayon::current_num_threads()).next_multiple_of(4).clamp(16, 256)
}

impl Forward for CpuForward<'_> {
    fn feed(&mut self, rows: &[Row], wanted: &[usize], logits: &mut Vec<f32>) -> Result<()> {
        let Self { weights, rotary, caches, x, qkv, tiles } = self;
        let (hidden, width) = (weights.hidden, weights.qkv_width());
        let kv = weights.kv_heads * weights.dim;
        let tile = tile_rows(rows.len());
        tiles.resize_with(tiles.len().max(rows.len().div_ceil(tile)), Tile::default);

        x.clear();
        for row in rows {
            x.extend_from_slice(&weights.embedding[row.token as usize * hidden..][..hidden]);
        }
        sized(qkv, rows.len() * width);
        for (layer, cache) in weights.layers.iter().zip(caches.iter_mut()) {
            let parts = x.par_chunks(tile * hidden).zip(qkv.par_chunks_mut(tile * width));
            parts.zip(rows.par_chunks(tile)).zip(tiles.par_iter_mut()).for_each(
                |(((x, qkv), rows), tile)| {
                    weights.project(layer, rows, rotary, x, qkv, tile);
                },
            );
            for (row, qkv) in rows.iter().zip(qkv.chunks_exact(width)) {
                let (keys, values) = qkv[width - 2 * kv..].split_at(kv);
                cache.write(row.slot, row.position, keys, values);
            }
            let parts = x.par_chunks_mut(tile * hidden).zip(qkv.par_chunks(tile * width));
            parts.zip(rows.par_chunks(tile)).zip(tiles.par_iter_mut()).for_each(
                |(((x, qkv), rows), tile)| {
                    weights.attend(layer, rows, cache, x, qkv, tile);
                    weights.transform(layer, x, tile);
                },
            );
        }

        sized(logits, wanted.len() * weights.vocabulary);
        let parts = wanted.par_chunks(tile).zip(logits.par_chunks_mut(tile * weights.vocabulary));
        parts.zip(tiles.par_iter_mut()).for_each(|((wanted, logits), tile)| {
            tile.normed.clear();
            for &row in wanted {
                tile.normed.extend_from_slice(&x[row * hidden..][..hidden]);
            }
            kernels::rms_norm(&mut tile.normed, &weights.norm, weights.eps);
            weights.head.apply(&tile.normed, logits, false, &mut tile.matmul);
        });
        Ok(())
    }

    fn copy(&mut self, from: usize, to: usize, positions: usize) -> Result<()> {
        self.caches.iter_mut().for_each(|cache| cache.copy(from, to, positions));
        Ok(())
    }
}

impl Weights {
    /// Queries, keys and values of a tile's rows, normed per head where the family does so, and rotated.
    fn project(
        &self,
        layer: &LayerWeights,
        rows: &[Row],
        rotary: &[f32],
        x: &[f32],
        qkv: &mut [f32],
        tile: &mut Tile,
    ) {
        tile.normed.clear();
        tile.normed.extend_from_slice(x);
        kernels::rms_norm(&mut tile.normed, &layer.input_norm, self.eps);
        layer.qkv.apply(&tile.normed, qkv, false, &mut tile.matmul);
        for (row, qkv) in rows.iter().zip(qkv.chunks_exact_mut(self.qkv_width())) {
            let (queries, rest) = qkv.split_at_mut(self.heads * self.dim);
            let (keys, _) = rest.split_at_mut(self.kv_heads * self.dim);
            let (cos, sin) = rotary[row.position * self.dim..][..self.dim].split_at(self.dim / 2);
            for (heads, norm) in [(queries, &layer.q_norm), (keys, &layer.k_norm)] {
                if let Some(norm) = norm {
                    kernels::rms_norm(heads, norm, self.eps);
                }
                kernels::rotate(heads, cos, sin);
            }
        }
    }

    /// `x += output(attention)`.
    fn attend(
        &self,
        layer: &LayerWeights,
        rows: &[Row],
        cache: &Cache,
        x: &mut [f32],
        qkv: &[f32],
        tile: &mut Tile,
    ) {
        let queries = self.heads * self.dim;
        let group = self.heads / self.kv_heads;
        let scale = 1.0 / (self.dim as f32).sqrt();
        let attended = sized(&mut tile.attended, rows.len() * queries);
        for (row, (out, qkv)) in
            rows.iter().zip(attended.chunks_exact_mut(queries).zip(qkv.chunks_exact(self.qkv_width())))
        {
            let heads = out.chunks_exact_mut(self.dim).zip(qkv.chunks_exact(self.dim));
            for (h, (out, query)) in heads.enumerate() {
                let (keys, values) = cache.head(row.slot, h / group);
                let length = row.position + 1;
                Attend { query, keys, values, length, scale, scores: &mut tile.scores, out }.compute();
            }
        }
        layer.output.apply(attended, x, true, &mut tile.matmul);
    }

    /// `x += down(silu(gate) * up)`.
    fn transform(&self, layer: &LayerWeights, x: &mut [f32], tile: &mut Tile) {
        let rows = x.len() / self.hidden;
        tile.normed.clear();
        tile.normed.extend_from_slice(x);
        kernels::rms_norm(&mut tile.normed, &layer.feed_norm, self.eps);
        let gate_up = sized(&mut tile.gate_up, rows * 2 * self.feed_forward);
        layer.gate_up.apply(&tile.normed, gate_up, false, &mut tile.matmul);
        let gated = sized(&mut tile.gated, rows * self.feed_forward);
        kernels::swiglu(gate_up, gated, self.feed_forward);
        layer.down.apply(gated, x, true, &mut tile.matmul);
    }
}
