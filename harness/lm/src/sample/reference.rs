//! Decoding with the reference kernels, on any device.

use candle_core::{DType, Tensor};

use super::forward::{Forward, Row};
use crate::decoder::{Decoder, Layer};
use crate::error::Result;
use crate::ops;
use crate::placement::Kernels;

/// Decoding with the reference kernels.
#[derive(Debug)]
pub(crate) struct ReferenceForward {
    decoder: Decoder,
    /// Keys and values of each layer, `[slots * capacity, KV * D]` each.
    caches: Vec<(Tensor, Tensor)>,
    capacity: usize,
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

    /// Attention of each row over the positions of its own slot up to its own.
    fn attend(&self, cache: &(Tensor, Tensor), q: &Tensor, rows: &[Row]) -> candle_core::Result<Tensor> {
        let config = self.decoder.config();
        let (kv, group, dim) = (config.num_kv_heads, config.group_size(), config.head_dim);
        let mut out = Vec::with_capacity(rows.len());
        for (i, row) in rows.iter().enumerate() {
            let length = row.position + 1;
            let seen = |t: &Tensor| {
                let t = t.narrow(0, row.slot * self.capacity, length)?.reshape((length, kv, dim))?;
                t.transpose(0, 1)?.contiguous()
            };
            let q = q.narrow(0, i, 1)?.reshape((kv, group, dim))?.contiguous()?;
            let scores = (q.matmul(&seen(&cache.0)?.t()?.contiguous()?)? / (dim as f64).sqrt())?;
            let highest = scores.max_keepdim(2)?;
            let weights = scores.broadcast_sub(&highest)?.exp()?;
            let weights = weights.broadcast_div(&weights.sum_keepdim(2)?)?;
            out.push(weights.matmul(&seen(&cache.1)?)?.reshape((1, kv * group * dim))?);
        }
        Tensor::cat(&out, 0)
    }

    fn layer(
        &self,
        layer: &Layer,
        cache: &(Tensor, Tensor),
        x: &Tensor,
        rotary: &ops::Rotary,
        rows: &[Row],
    ) -> candle_core::Result<Tensor> {
        let config = self.decoder.config();
        let (kernels, eps, dim) = (Kernels::Reference, config.rms_norm_eps, config.head_dim);
        let normed = ops::rms_norm(kernels, x, &layer.input_layernorm, eps)?;
        let rotated = |x: Tensor, heads: usize, norm: &Option<Tensor>| {
            let x = x.reshape((rows.len(), heads, dim))?;
            let x = match norm {
                Some(norm) => ops::rms_norm(kernels, &x, norm, eps)?,
                None => x,
            };
            ops::rope(kernels, &x, rotary)
        };
        let q = rotated(layer.q_proj.forward(kernels, &normed)?, config.num_heads, &layer.q_norm)?;
        let k = rotated(layer.k_proj.forward(kernels, &normed)?, config.num_kv_heads, &layer.k_norm)?;
        let k = k.flatten_from(1)?.contiguous()?;
        let v = layer.v_proj.forward(kernels, &normed)?.contiguous()?;
        for (i, row) in rows.iter().enumerate() {
            let at = row.slot * self.capacity + row.position;
            cache.0.slice_set(&k.narrow(0, i, 1)?, 0, at)?;
            cache.1.slice_set(&v.narrow(0, i, 1)?, 0, at)?;
        }
        let x = (x + layer.o_proj.forward(kernels, &self.attend(cache, &q, rows)?)?)?;

        let normed = ops::rms_norm(kernels, &x, &layer.post_attention_layernorm, eps)?;
        let gate = ops::linear(kernels, &normed, &layer.gate_proj, None)?;
        let up = ops::linear(kernels, &normed, &layer.up_proj, None)?;
        &x + ops::linear(kernels, &ops::swiglu(kernels, &gate, &up)?, &layer.down_proj, None)?
    }
}

impl Forward for ReferenceForward {
    fn feed(&mut self, rows: &[Row], wanted: &[usize], logits: &mut Vec<f32>) -> Result<()> {
        logits.clear();
        if wanted.is_empty() && rows.is_empty() {
            return Ok(());
        }
        let (tokens, positions): (Vec<u32>, Vec<u32>) =
            rows.iter().map(|row| (row.token, row.position as u32)).unzip();
        let rotary = self.decoder.rotary(&positions)?;
        let mut x = ops::embedding(self.decoder.embedding(), &tokens)?;
        for (layer, cache) in self.decoder.layers().iter().zip(&self.caches) {
            x = self.layer(layer, cache, &x, &rotary, rows)?;
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted: Vec<u32> = wanted.iter().map(|row| *row as u32).collect();
        let x = x.index_select(&Tensor::new(wanted, x.device())?, 0)?;
        let x =
            ops::rms_norm(Kernels::Reference, &x, self.decoder.norm(), self.decoder.config().rms_norm_eps)?;
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
