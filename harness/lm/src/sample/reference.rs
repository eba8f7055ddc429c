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

/// Rows that are stored and attend together, the same for all layers.
enum Part {
    /// One row each of several slots, which are their last positions.
    Newest(Newest),
    /// Rows of one slot that follow each other, from position `first` on.
    Prompt { rows: Range<usize>, slot: usize, first: usize, mask: Tensor },
}

struct Newest {
    rows: Range<usize>,
    /// The row of each slot, `[slots]`, and the position where it is stored, `[slots · KV, 1, D]`; that of a slot without a row is none.
    fed: Tensor,
    positions: Tensor,
    /// The positions of the longest of these slots.
    longest: usize,
    /// `[B, 1, longest]`: `-∞` behind each slot's own positions.
    mask: Tensor,
    /// The heads that attend, `[B · KV]`; `None` where those of all slots do, which needs no copy of the caches.
    chosen: Option<Tensor>,
    /// The row of each slot that attends, `[B]`.
    row_of: Tensor,
    /// Which of them each row is, `[rows]`.
    slot_of: Tensor,
}

/// The position where nothing is stored.
const NOWHERE: u32 = u32::MAX;

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
        let parts = self.shape.parts(rows, self.decoder.embedding().device())?;
        let x = self.decoder.layers_of(&tokens, &positions, |index, heads| {
            self.caches[index].attend(&self.shape, &parts, &heads)
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
        debug_assert!(wanted.is_sorted(), "wanted rows rise");
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
    fn attend(&self, shape: &Shape, parts: &[Part], heads: &Heads<Tensor>) -> CandleResult<Tensor> {
        let news = [(&self.keys, &heads.keys), (&self.values, &heads.values)];
        let attended = parts.iter().map(|part| match part {
            Part::Newest(newest) => {
                news.iter().try_for_each(|(cache, new)| newest.store(shape, cache, new))?;
                self.newest(shape, newest, &heads.queries)
            }
            Part::Prompt { rows, slot, first, mask } => {
                let of_part = |all: &Tensor| all.narrow(0, rows.start, rows.len());
                news.iter().try_for_each(|(cache, new)| shape.store(cache, &of_part(new)?, *slot, *first))?;
                self.prompt(shape, &of_part(&heads.queries)?, *slot, first + rows.len(), mask)
            }
        });
        Tensor::cat(&attended.collect::<CandleResult<Vec<_>>>()?, 0)
    }

    fn newest(&self, shape: &Shape, newest: &Newest, queries: &Tensor) -> CandleResult<Tensor> {
        let Shape { capacity, heads, kv_heads, dim, .. } = *shape;
        let Newest { rows, longest, mask, chosen, row_of, slot_of, .. } = newest;
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

impl Newest {
    /// Stores rows `[N, KV·D]` in a cache.
    fn store(&self, shape: &Shape, cache: &Tensor, new: &Tensor) -> CandleResult<()> {
        let Shape { slots, capacity, kv_heads, dim, .. } = *shape;
        let new = new.narrow(0, self.rows.start, self.rows.len())?.index_select(&self.fed, 0)?;
        let heads = cache.reshape((slots * kv_heads, capacity, dim))?;
        heads.scatter_set(&self.positions, &new.reshape((slots * kv_heads, 1, dim))?, 1)
    }
}

impl Shape {
    /// Stores rows `[N, KV·D]` of a slot in a cache, from position `first` on.
    fn store(&self, cache: &Tensor, new: &Tensor, slot: usize, first: usize) -> CandleResult<()> {
        let Self { capacity, kv_heads, dim, .. } = *self;
        let heads = new.reshape(((), kv_heads, dim))?.transpose(0, 1)?.contiguous()?;
        (0..kv_heads).try_for_each(|head| {
            cache.slice_set(&heads.get(head)?, 0, (slot * kv_heads + head) * capacity + first)
        })
    }

    fn parts(&self, rows: &[Row], device: &Device) -> Result<Vec<Part>> {
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
        Ok(parts)
    }

    fn newest(&self, place: Range<usize>, rows: &[Row], device: &Device) -> Result<Newest> {
        let longest = rows.iter().map(|row| row.position + 1).max().unwrap_or(1);
        // Slots that are chosen are copied as a whole, read and written.
        let all = self.slots * longest <= 2 * rows.len() * self.capacity;
        let slots: Vec<usize> =
            if all { (0..self.slots).collect() } else { rows.iter().map(|row| row.slot).collect() };
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
        let (fed, positions) = self.fed(rows, device)?;
        Ok(Newest {
            rows: place,
            fed,
            positions,
            longest,
            mask: Tensor::from_vec(mask, (slots.len(), 1, longest), device)?,
            chosen,
            row_of: Tensor::new(row_of, device)?,
            slot_of: Tensor::new(slot_of, device)?,
        })
    }

    /// Of rows of different slots, the row of each slot and where it is stored.
    fn fed(&self, rows: &[Row], device: &Device) -> Result<(Tensor, Tensor)> {
        let (mut fed, mut positions) = (vec![0; self.slots], vec![NOWHERE; self.slots]);
        for (index, row) in rows.iter().enumerate() {
            (fed[row.slot], positions[row.slot]) = (index as u32, row.position as u32);
        }
        let positions = Tensor::new(positions, device)?.unsqueeze(1)?;
        let positions = positions.broadcast_as((self.slots, self.kv_heads * self.dim))?.contiguous()?;
        Ok((Tensor::new(fed, device)?, positions.reshape((self.slots * self.kv_heads, 1, self.dim))?))
    }
}

fn prompt(rows: Range<usize>, run: &[Row], device: &Device) -> Result<Part> {
    let (slot, first) = (run[0].slot, run[0].position);
    let mask = ops::causal_mask(first, run.len(), first + run.len(), device)?;
    Ok(Part::Prompt { rows, slot, first, mask })
}
