//! Decoding with the reference kernels, on any device.

use std::ops::Range;

use candle_core::{DType, Tensor};

use super::forward::{Forward, Row};
use crate::decoder::Decoder;
use crate::error::Result;
use crate::layer::Heads;
use crate::ops::{Span, attention_over};

/// Decoding with the reference kernels.
#[derive(Debug)]
pub(crate) struct ReferenceForward {
    decoder: Decoder,
    /// Keys and values of each layer, `[slots * capacity, KV * D]` each.
    caches: Vec<(Tensor, Tensor)>,
    capacity: usize,
}

/// Rows of one slot that follow each other.
struct Run {
    rows: Range<usize>,
    /// The place of the first row in the cache.
    at: usize,
    /// The place of the slot's position 0 in the cache.
    start: usize,
}

impl ReferenceForward {
    /// `slots` sequences of up to `capacity` positions.
    pub(crate) fn new(decoder: &Decoder, slots: usize, capacity: usize) -> Result<Self> {
        let decoder = decoder.frozen()?;
        let config = decoder.config();
        let shape = (slots * capacity, config.num_kv_heads * config.head_dim);
        let weights = decoder.embedding();
        let zeros = || Tensor::zeros(shape, weights.dtype(), weights.device());
        let caches = (0..config.num_layers).map(|_| Ok((zeros()?, zeros()?))).collect::<Result<_>>()?;
        Ok(Self { decoder, caches, capacity })
    }

    fn runs(&self, rows: &[Row]) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut first = 0;
        for part in rows.chunk_by(|a, b| a.slot == b.slot && a.position + 1 == b.position) {
            let start = part[0].slot * self.capacity;
            runs.push(Run { rows: first..first + part.len(), at: start + part[0].position, start });
            first += part.len();
        }
        runs
    }

    /// Stores the keys and values of a layer, and attends to all that its cache holds of each row's past.
    fn attend(
        &self,
        (keys, values): &(Tensor, Tensor),
        heads: &Heads<Tensor>,
        runs: &[Run],
    ) -> candle_core::Result<Tensor> {
        let (new_keys, new_values) = (heads.keys.contiguous()?, heads.values.contiguous()?);
        for Run { rows, at, .. } in runs {
            keys.slice_set(&new_keys.narrow(0, rows.start, rows.len())?, 0, *at)?;
            values.slice_set(&new_values.narrow(0, rows.start, rows.len())?, 0, *at)?;
        }
        // Runs of one row share a product; a longer one, which is a prompt, would pad them all to its length.
        let together = |a: &Run, b: &Run| a.rows.len() == 1 && b.rows.len() == 1;
        let parts = runs.chunk_by(together).map(|runs| {
            let (start, end) = (runs[0].rows.start, runs[runs.len() - 1].rows.end);
            let spans = runs.iter().map(|Run { rows, at, start: slot }| Span {
                queries: rows.start - start..rows.end - start,
                keys: *slot..at + rows.len(),
            });
            let queries = heads.queries.narrow(0, start, end - start)?;
            let head_dim = self.decoder.config().head_dim;
            attention_over(&queries, keys, values, head_dim, &spans.collect::<Vec<_>>())
        });
        Tensor::cat(&parts.collect::<candle_core::Result<Vec<_>>>()?, 0)
    }
}

impl Forward for ReferenceForward {
    fn feed(&mut self, rows: &[Row], wanted: &[usize], logits: &mut Vec<f32>) -> Result<()> {
        logits.clear();
        if rows.is_empty() {
            return Ok(());
        }
        let (tokens, positions): (Vec<u32>, Vec<u32>) =
            rows.iter().map(|row| (row.token, row.position as u32)).unzip();
        let runs = self.runs(rows);
        let x = self
            .decoder
            .layers_of(&tokens, &positions, |index, heads| self.attend(&self.caches[index], &heads, &runs))?;
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted: Vec<u32> = wanted.iter().map(|row| *row as u32).collect();
        let x = self.decoder.final_norm(&x.index_select(&Tensor::new(wanted, x.device())?, 0)?)?;
        *logits = self.decoder.logits(&x)?.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?;
        Ok(())
    }

    fn copy(&mut self, from: usize, to: usize, positions: usize) -> Result<()> {
        for (keys, values) in &self.caches {
            for cache in [keys, values] {
                // `affine` makes a tensor of these rows alone; a view of the cache could not be written to
                // it.
                let source = cache.narrow(0, from * self.capacity, positions)?.affine(1.0, 0.0)?;
                cache.slice_set(&source, 0, to * self.capacity)?;
            }
        }
        Ok(())
    }
}
