//! Decoding with the reference kernels, on any device.

use std::ops::Range;

use candle_core::{DType, Device, Result as CandleResult, Tensor};

use super::forward::{Forward, Row};
use crate::config::Config;
use crate::decoder::Decoder;
use crate::error::Result;
use crate::layer::Heads;
use crate::ops;

/// Most rows that pass the decoder together: the scores of a long prompt, `[heads, rows, positions]`, stay small.
const MOST_ROWS: usize = 2048;

/// Decoding with the reference kernels.
#[derive(Debug)]
pub(crate) struct ReferenceForward {
    decoder: Decoder,
    /// Of each layer.
    caches: Vec<Cache>,
    shape: Shape,
}

/// Keys and values, `[slots · KV · capacity, D]` each: a head of a slot has its positions behind one another.
#[derive(Debug)]
struct Cache {
    keys: Tensor,
    values: Tensor,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    slots: usize,
    capacity: usize,
    heads: usize,
    kv_heads: usize,
    dim: usize,
}

/// Where the rows of a pass are in the caches, the same for all layers.
struct Places {
    /// Where their keys and values go, `[N · KV, D]`.
    targets: Tensor,
    parts: Vec<Part>,
}

/// Rows that attend together.
enum Part {
    /// One row each of several slots, which are their last positions.
    Newest(Newest),
    /// Rows of one slot that follow each other.
    Prompt { rows: Range<usize>, slot: usize, positions: usize, mask: Tensor },
}

struct Newest {
    rows: Range<usize>,
    /// The positions of the longest of these slots.
    longest: usize,
    /// `[B, 1, longest]`: `-∞` behind each slot's own positions.
    mask: Tensor,
    /// The slots, `[B]` and each with its heads `[B · KV]`; `None` where all slots attend, which needs no copy of the caches.
    chosen: Option<Tensor>,
    /// The row of each of them, `[B]`.
    row_of: Tensor,
    /// Which of them each row is, `[rows]`.
    slot_of: Tensor,
}

impl ReferenceForward {
    /// `slots` sequences of up to `capacity` positions.
    pub(crate) fn new(decoder: &Decoder, slots: usize, capacity: usize) -> Result<Self> {
        let decoder = decoder.frozen()?;
        let &Config { num_heads: heads, num_kv_heads: kv_heads, head_dim: dim, num_layers, .. } =
            decoder.config();
        let shape = Shape { slots, capacity, heads, kv_heads, dim };
        let weights = decoder.embedding();
        let zeros = || Tensor::zeros((slots * kv_heads * capacity, dim), weights.dtype(), weights.device());
        let caches = (0..num_layers).map(|_| Ok(Cache { keys: zeros()?, values: zeros()? }));
        Ok(Self { caches: caches.collect::<Result<_>>()?, decoder, shape })
    }

    /// The logits that follow the wanted ones of some rows, behind those that are there already.
    fn pass(&self, rows: &[Row], wanted: &[u32], logits: &mut Vec<f32>) -> Result<()> {
        let (tokens, positions): (Vec<u32>, Vec<u32>) =
            rows.iter().map(|row| (row.token, row.position as u32)).unzip();
        let places = self.shape.places(rows, self.decoder.embedding().device())?;
        let x = self.decoder.layers_of(&tokens, &positions, |index, heads| {
            self.caches[index].attend(&self.shape, &places, &heads)
        })?;
        if wanted.is_empty() {
            return Ok(());
        }
        let x = self.decoder.final_norm(&x.index_select(&Tensor::new(wanted, x.device())?, 0)?)?;
        let new = self.decoder.logits(&x)?.flatten_all()?.to_dtype(DType::F32)?;
        logits.extend(new.to_vec1::<f32>()?);
        Ok(())
    }
}

impl Forward for ReferenceForward {
    fn feed(&mut self, rows: &[Row], wanted: &[usize], logits: &mut Vec<f32>) -> Result<()> {
        logits.clear();
        let mut wanted = wanted.iter().map(|row| *row as u32).peekable();
        for (index, rows) in rows.chunks(MOST_ROWS).enumerate() {
            let (start, end) = ((index * MOST_ROWS) as u32, (index * MOST_ROWS + rows.len()) as u32);
            let here: Vec<u32> =
                std::iter::from_fn(|| wanted.next_if(|row| *row < end)).map(|row| row - start).collect();
            self.pass(rows, &here, logits)?;
        }
        Ok(())
    }

    fn copy(&mut self, from: usize, to: usize, positions: usize) -> Result<()> {
        let Shape { capacity, kv_heads, .. } = self.shape;
        for Cache { keys, values } in &self.caches {
            for (cache, head) in
                [keys, values].into_iter().flat_map(|cache| (0..kv_heads).map(move |head| (cache, head)))
            {
                let start = |slot: usize| (slot * kv_heads + head) * capacity;
                // `affine` makes a tensor of these rows alone: what shares the cache's memory cannot be written to it.
                let source = cache.narrow(0, start(from), positions)?.affine(1.0, 0.0)?;
                cache.slice_set(&source, 0, start(to))?;
            }
        }
        Ok(())
    }
}

impl Cache {
    /// Stores the keys and values of a layer, and attends to all that the cache then holds of each row's past.
    fn attend(&self, shape: &Shape, places: &Places, heads: &Heads<Tensor>) -> CandleResult<Tensor> {
        for (cache, new) in [(&self.keys, &heads.keys), (&self.values, &heads.values)] {
            cache.scatter_set(&places.targets, &new.contiguous()?.reshape(((), shape.dim))?, 0)?;
        }
        let attended = places.parts.iter().map(|part| match part {
            Part::Newest(newest) => self.newest(shape, newest, &heads.queries),
            Part::Prompt { rows, slot, positions, mask } => {
                let queries = heads.queries.narrow(0, rows.start, rows.len())?;
                self.prompt(shape, &queries, *slot, *positions, mask)
            }
        });
        Tensor::cat(&attended.collect::<CandleResult<Vec<_>>>()?, 0)
    }

    fn newest(&self, shape: &Shape, newest: &Newest, queries: &Tensor) -> CandleResult<Tensor> {
        let Shape { capacity, heads, kv_heads, dim, .. } = *shape;
        let Newest { rows, longest, mask, chosen, row_of, slot_of } = newest;
        let (slots, group) = (row_of.dim(0)?, heads / kv_heads);
        let queries = queries.narrow(0, rows.start, rows.len())?.index_select(row_of, 0)?;
        let queries = queries.reshape((slots * kv_heads, group, dim))?;
        let past = |cache: &Tensor| {
            let heads = match chosen {
                Some(chosen) => cache.reshape(((), capacity * dim))?.index_select(chosen, 0)?,
                None => cache.clone(),
            };
            heads.reshape((slots * kv_heads, capacity, dim))?.narrow(1, 0, *longest)
        };
        ops::attend(&queries, &past(&self.keys)?, &past(&self.values)?, mask, &[slots, heads, *longest])?
            .reshape((slots, heads * dim))?
            .index_select(slot_of, 0)
    }

    fn prompt(
        &self,
        shape: &Shape,
        queries: &Tensor,
        slot: usize,
        positions: usize,
        mask: &Tensor,
    ) -> CandleResult<Tensor> {
        let Shape { capacity, heads, kv_heads, dim, .. } = *shape;
        let (rows, group) = (queries.dim(0)?, heads / kv_heads);
        // [N, KV·G·D] -> [KV, G·N, D]
        let queries =
            queries.reshape((rows, heads, dim))?.transpose(0, 1)?.reshape((kv_heads, group * rows, dim))?;
        let past = |cache: &Tensor| {
            cache.reshape(((), capacity, dim))?.narrow(0, slot * kv_heads, kv_heads)?.narrow(1, 0, positions)
        };
        ops::attend(&queries, &past(&self.keys)?, &past(&self.values)?, mask, &[heads, rows, positions])?
            .reshape((heads, rows, dim))?
            .transpose(0, 1)?
            .reshape((rows, heads * dim))
    }
}

impl Shape {
    fn places(&self, rows: &[Row], device: &Device) -> Result<Places> {
        let Self { capacity, kv_heads, dim, .. } = *self;
        let heads = |slot: usize| slot * kv_heads..(slot + 1) * kv_heads;
        let place = |row: &Row| {
            heads(row.slot).map(|head| (head * capacity + row.position) as u32).collect::<Vec<_>>()
        };
        let targets: Vec<u32> = rows.iter().flat_map(place).collect();
        let targets = Tensor::new(targets, device)?.unsqueeze(1)?;
        let targets = targets.broadcast_as((rows.len() * kv_heads, dim))?.contiguous()?;
        let follows = |a: &Row, b: &Row| a.slot == b.slot && a.position + 1 == b.position;
        let runs: Vec<&[Row]> = rows.chunk_by(follows).collect();
        let mut parts = Vec::new();
        let mut first = 0;
        for runs in runs.chunk_by(|a, b| a.len() == 1 && b.len() == 1) {
            let count: usize = runs.iter().map(|run| run.len()).sum();
            let here = first..first + count;
            first = here.end;
            parts.push(match runs {
                [run] if run.len() > 1 => prompt(here, run, device)?,
                _ => Part::Newest(self.newest(here.clone(), &rows[here], device)?),
            });
        }
        Ok(Places { targets, parts })
    }

    fn newest(&self, place: Range<usize>, rows: &[Row], device: &Device) -> Result<Newest> {
        // With most slots in use it is cheaper to compute all than to copy some.
        let all = rows.len() * 2 >= self.slots;
        let slots: Vec<usize> =
            if all { (0..self.slots).collect() } else { rows.iter().map(|row| row.slot).collect() };
        let longest = rows.iter().map(|row| row.position + 1).max().unwrap_or(1);
        let mut row_of = vec![0; slots.len()];
        let mut slot_of = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let slot = if all { row.slot } else { index };
            row_of[slot] = index as u32;
            slot_of.push(slot as u32);
        }
        let mut mask = Vec::with_capacity(slots.len() * longest);
        for row in &row_of {
            let last = rows[*row as usize].position;
            mask.extend((0..longest).map(|position| if position > last { f32::NEG_INFINITY } else { 0.0 }));
        }
        let heads = |slot: &usize| slot * self.kv_heads..(slot + 1) * self.kv_heads;
        let chosen = (!all).then(|| slots.iter().flat_map(heads).map(|head| head as u32).collect::<Vec<_>>());
        let chosen = chosen.map(|heads| Tensor::new(heads, device)).transpose()?;
        Ok(Newest {
            rows: place,
            longest,
            mask: Tensor::from_vec(mask, (slots.len(), 1, longest), device)?,
            chosen,
            row_of: Tensor::new(row_of, device)?,
            slot_of: Tensor::new(slot_of, device)?,
        })
    }
}

fn prompt(rows: Range<usize>, run: &[Row], device: &Device) -> Result<Part> {
    let (slot, first) = (run[0].slot, run[0].position);
    let positions = first + run.len();
    let mask = ops::causal_mask(first, run.len(), positions, device)?;
    Ok(Part::Prompt { rows, slot, positions, mask })
}
