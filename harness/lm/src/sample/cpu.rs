//! Decoding with the CPU kernels: packed weights, buffers that are reused, no tensor per step.
//!
//! Rows are computed in tiles, in parallel. No value of a row depends on the other rows of a call, so a
//! sequence gets the same bits alone or in any batch, for any number of threads.

use std::convert::Infallible;

use candle_core::Tensor;
use rayon::prelude::*;

use super::cache::{Cache, CacheShape};
use super::forward::{Forward, Row};
use super::kernels::{self, Attend};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::layer::{Heads, Layer, LayerOps, Projection};
use crate::ops;
use crate::placement::Kernels;
use crate::simd::packed::{Interleaved, Packed, Target};

/// A decoder's weights, laid out for decoding.
#[derive(Debug)]
pub(crate) struct Weights {
    shape: Shape,
    embedding: Vec<f32>,
    layers: Vec<Layer<Vec<f32>, Packed>>,
    norm: Vec<f32>,
    head: Packed,
}

/// The numbers of a configuration that decoding needs.
#[derive(Clone, Copy, Debug)]
struct Shape {
    hidden: usize,
    heads: usize,
    kv_heads: usize,
    dim: usize,
    eps: f32,
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

fn packed(map: &Projection) -> Result<Packed> {
    let bias = map.bias.as_ref().map(values).transpose()?;
    Ok(Packed::new(&values(&map.weight)?, map.weight.dim(1)?, bias))
}

impl Weights {
    pub(crate) fn new(decoder: &Decoder) -> Result<Self> {
        let config = decoder.config();
        let layers = decoder.layers().iter().map(|layer| layer.map(values, packed));
        Ok(Self {
            shape: Shape {
                hidden: config.hidden_size,
                heads: config.num_heads,
                kv_heads: config.num_kv_heads,
                dim: config.head_dim,
                eps: config.rms_norm_eps as f32,
            },
            embedding: values(decoder.embedding())?,
            layers: layers.collect::<Result<_, LmError>>()?,
            norm: values(decoder.norm())?,
            head: Packed::new(&values(decoder.head())?, config.hidden_size, None),
        })
    }
}

/// Decoding with the CPU kernels.
#[derive(Debug)]
pub(crate) struct CpuForward<'a> {
    weights: &'a Weights,
    /// Cosines, then sines, of each position: `[capacity, dim]`.
    rotary: Vec<f32>,
    caches: Vec<Cache>,
    tiles: Vec<Tile>,
}

/// Rows that are computed together by one thread, and their state between two operations.
#[derive(Debug, Default)]
struct Tile {
    /// The layer's input, `[rows, d]`.
    x: Vec<f32>,
    heads: Heads<Vec<f32>>,
    buffers: Buffers,
}

/// Unused buffers, kept so that no step allocates new ones.
#[derive(Debug, Default)]
struct Buffers(Vec<Vec<f32>>);

impl Buffers {
    /// A buffer of `len` values, which the caller overwrites.
    fn take(&mut self, len: usize) -> Vec<f32> {
        let mut buffer = self.0.pop().unwrap_or_default();
        buffer.resize(len, 0.0);
        buffer
    }

    /// A buffer with the given values.
    fn copy(&mut self, values: &[f32]) -> Vec<f32> {
        let mut buffer = self.0.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(values);
        buffer
    }

    fn give_back(&mut self, buffer: Vec<f32>) {
        self.0.push(buffer);
    }
}

/// The operations of a layer on the rows of a tile.
struct TileOps<'a> {
    shape: Shape,
    rotary: &'a [f32],
    rows: &'a [Row],
    buffers: &'a mut Buffers,
}

impl TileOps<'_> {
    fn interleaved(&mut self, x: &[f32], width: usize) -> Interleaved {
        Interleaved::new(x, width, self.buffers.take(0))
    }

    /// Attention of each row over the positions of its slot, up to its own position.
    fn attend(&mut self, cache: &Cache, queries: &[f32]) -> Vec<f32> {
        let Shape { heads, kv_heads, dim, .. } = self.shape;
        let scale = 1.0 / (dim as f32).sqrt();
        let (mut out, mut scores) = (self.buffers.take(queries.len()), self.buffers.take(0));
        let rows = out.chunks_exact_mut(heads * dim).zip(queries.chunks_exact(heads * dim));
        for (row, (out, queries)) in self.rows.iter().zip(rows) {
            let heads_of_row = out.chunks_exact_mut(dim).zip(queries.chunks_exact(dim));
            for (head, (out, query)) in heads_of_row.enumerate() {
                let (keys, values) = cache.head(row.slot, head / (heads / kv_heads));
                let length = row.position + 1;
                Attend { query, keys, values, length, scale, scores: &mut scores, out }.compute();
            }
        }
        self.buffers.give_back(scores);
        out
    }
}

impl LayerOps for TileOps<'_> {
    type Rows = Vec<f32>;
    type Normed = Interleaved;
    type Vector = Vec<f32>;
    type Map = Packed;
    type Error = Infallible;

    fn norm(&mut self, x: &Vec<f32>, weight: &Vec<f32>) -> Result<Interleaved, Infallible> {
        let mut normed = self.buffers.copy(x);
        kernels::rms_norm(&mut normed, weight, self.shape.eps);
        let interleaved = self.interleaved(&normed, weight.len());
        self.buffers.give_back(normed);
        Ok(interleaved)
    }

    fn project(&mut self, x: &Interleaved, map: &Packed) -> Result<Vec<f32>, Infallible> {
        let mut out = self.buffers.take(x.rows() * map.outputs());
        map.apply(x, Target::Set, &mut out);
        Ok(out)
    }

    fn norm_heads(&mut self, mut heads: Vec<f32>, weight: &Vec<f32>) -> Result<Vec<f32>, Infallible> {
        kernels::rms_norm(&mut heads, weight, self.shape.eps);
        Ok(heads)
    }

    fn rotate(&mut self, mut heads: Vec<f32>) -> Result<Vec<f32>, Infallible> {
        let (dim, width) = (self.shape.dim, heads.len() / self.rows.len());
        for (row, heads) in self.rows.iter().zip(heads.chunks_exact_mut(width)) {
            let (cos, sin) = self.rotary[row.position * dim..][..dim].split_at(dim / 2);
            kernels::rotate(heads, cos, sin);
        }
        Ok(heads)
    }

    fn gated(&mut self, x: &Interleaved, gate: &Packed, up: &Packed) -> Result<Vec<f32>, Infallible> {
        let (mut gate, up) = (self.project(x, gate)?, self.project(x, up)?);
        kernels::swiglu(&mut gate, &up);
        self.buffers.give_back(up);
        Ok(gate)
    }

    fn project_onto(
        &mut self,
        mut residual: Vec<f32>,
        x: Vec<f32>,
        map: &Packed,
    ) -> Result<Vec<f32>, Infallible> {
        let interleaved = self.interleaved(&x, map.inputs());
        map.apply(&interleaved, Target::Add, &mut residual);
        self.buffers.give_back(x);
        self.release(interleaved);
        Ok(residual)
    }

    fn release(&mut self, normed: Interleaved) {
        self.buffers.give_back(normed.into_buffer());
    }
}

impl<'a> CpuForward<'a> {
    /// `slots` sequences of up to `capacity` positions.
    pub(crate) fn new(
        decoder: &Decoder,
        weights: &'a Weights,
        slots: usize,
        capacity: usize,
    ) -> Result<Self> {
        let Shape { kv_heads, dim, .. } = weights.shape;
        let shape = CacheShape { slots, capacity, heads: kv_heads, dim };
        Ok(Self {
            weights,
            rotary: rotary_rows(decoder, capacity)?,
            caches: weights.layers.iter().map(|_| Cache::new(shape)).collect(),
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
        let size = tile_rows(rows.len());
        self.tiles.resize_with(self.tiles.len().max(rows.len().div_ceil(size)), Tile::default);
        self.layers(rows, size);
        self.logits(wanted, size, logits);
        Ok(())
    }

    fn copy(&mut self, from: usize, to: usize, positions: usize) -> Result<()> {
        self.caches.iter_mut().for_each(|cache| cache.copy(from, to, positions));
        Ok(())
    }
}

impl CpuForward<'_> {
    /// Takes rows, `size` to a tile, through all layers.
    fn layers(&mut self, rows: &[Row], size: usize) {
        let Self { weights, rotary, caches, tiles } = self;
        let Weights { shape, embedding, layers, .. } = *weights;
        for (rows, tile) in rows.chunks(size).zip(tiles.iter_mut()) {
            tile.x.clear();
            for row in rows {
                tile.x.extend_from_slice(&embedding[row.token as usize * shape.hidden..][..shape.hidden]);
            }
        }
        let kv = shape.kv_heads * shape.dim;
        for (layer, cache) in layers.iter().zip(caches) {
            rows.par_chunks(size).zip(tiles.par_iter_mut()).for_each(|(rows, tile)| {
                let mut ops = TileOps { shape: *shape, rotary, rows, buffers: &mut tile.buffers };
                let Ok(heads) = layer.before_attention(&mut ops, &tile.x);
                tile.heads = heads;
            });
            for (rows, tile) in rows.chunks(size).zip(tiles.iter()) {
                let pairs = tile.heads.keys.chunks_exact(kv).zip(tile.heads.values.chunks_exact(kv));
                for (row, (keys, values)) in rows.iter().zip(pairs) {
                    cache.write(row.slot, row.position, keys, values);
                }
            }
            let cache = &*cache;
            rows.par_chunks(size).zip(tiles.par_iter_mut()).for_each(|(rows, tile)| {
                let mut ops = TileOps { shape: *shape, rotary, rows, buffers: &mut tile.buffers };
                let Heads { queries, keys, values } = std::mem::take(&mut tile.heads);
                let attended = ops.attend(cache, &queries);
                let Ok(x) = layer.after_attention(&mut ops, std::mem::take(&mut tile.x), attended);
                tile.x = x;
                for buffer in [queries, keys, values] {
                    tile.buffers.give_back(buffer);
                }
            });
        }
    }

    /// The logits that follow the wanted rows.
    fn logits(&mut self, wanted: &[usize], size: usize, logits: &mut Vec<f32>) {
        let Self { weights, tiles, .. } = self;
        let Weights { shape: Shape { hidden, eps, .. }, head, norm, .. } = weights;
        let vocabulary = head.outputs();
        logits.resize(wanted.len() * vocabulary, 0.0);
        let tiles = &*tiles;
        let parts = wanted.par_chunks(size).zip(logits.par_chunks_mut(size * vocabulary));
        parts.for_each(|(wanted, logits)| {
            let mut x = Vec::with_capacity(wanted.len() * hidden);
            for row in wanted {
                x.extend_from_slice(&tiles[row / size].x[row % size * hidden..][..*hidden]);
            }
            kernels::rms_norm(&mut x, norm, *eps);
            head.apply(&Interleaved::new(&x, *hidden, Vec::new()), Target::Set, logits);
        });
    }
}
