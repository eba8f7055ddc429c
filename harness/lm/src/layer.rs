//! A decoder layer: its weights, and the order of its operations, stated once for every way to compute them.

use candle_core::Tensor;

use crate::ops::{self, Rotary};
use crate::placement::Kernels;

/// A linear map's weights.
#[derive(Clone, Debug)]
pub struct Projection {
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

/// One decoder layer's weights, named as in Hugging Face's checkpoints: vectors `V` and linear maps `M`.
#[derive(Clone, Debug)]
pub struct Layer<V = Tensor, M = Projection> {
    /// Norm before attention, `[d]`.
    pub input_layernorm: V,
    /// Queries, `[H·D, d]`.
    pub q_proj: M,
    /// Keys, `[KV·D, d]`.
    pub k_proj: M,
    /// Values, `[KV·D, d]`.
    pub v_proj: M,
    /// Norm of each head's queries, `[D]`, in families that have it.
    pub q_norm: Option<V>,
    /// Norm of each head's keys, `[D]`, in families that have it.
    pub k_norm: Option<V>,
    /// Attention's output, `[d, H·D]`.
    pub o_proj: M,
    /// Norm before the feed-forward layer, `[d]`.
    pub post_attention_layernorm: V,
    /// Gate of the feed-forward layer, `[F, d]`.
    pub gate_proj: M,
    /// Its values, `[F, d]`.
    pub up_proj: M,
    /// Its output, `[d, F]`.
    pub down_proj: M,
}

/// What attention takes from a layer: one row per token of each.
#[derive(Debug, Default)]
pub(crate) struct Heads<R> {
    /// Queries, normed and rotated, `[N, H·D]`.
    pub(crate) queries: R,
    /// Keys, normed and rotated, `[N, KV·D]`.
    pub(crate) keys: R,
    /// Values, `[N, KV·D]`.
    pub(crate) values: R,
}

/// The operations of a layer other than attention, on rows of numbers that belong to one token each.
pub(crate) trait LayerOps {
    /// Rows of numbers, `[N, width]`.
    type Rows;
    /// Normed rows, laid out as a linear map takes them.
    type Normed;
    /// A vector of weights.
    type Vector;
    /// A linear map's weights.
    type Map;
    /// What can go wrong.
    type Error;

    /// The RMS norm of each row.
    fn norm(&mut self, x: &Self::Rows, weight: &Self::Vector) -> Result<Self::Normed, Self::Error>;

    /// `x wᵀ + b`.
    fn project(&mut self, x: &Self::Normed, map: &Self::Map) -> Result<Self::Rows, Self::Error>;

    /// The RMS norm of each head within each row.
    fn norm_heads(&mut self, heads: Self::Rows, weight: &Self::Vector) -> Result<Self::Rows, Self::Error>;

    /// The rotation of each head by the position of its row.
    fn rotate(&mut self, heads: Self::Rows) -> Result<Self::Rows, Self::Error>;

    /// `silu(x gateᵀ) · (x upᵀ)`.
    fn gated(
        &mut self,
        x: &Self::Normed,
        gate: &Self::Map,
        up: &Self::Map,
    ) -> Result<Self::Rows, Self::Error>;

    /// `residual + (x wᵀ + b)`.
    fn project_onto(
        &mut self,
        residual: Self::Rows,
        x: Self::Rows,
        map: &Self::Map,
    ) -> Result<Self::Rows, Self::Error>;

    /// Takes back normed rows that are no longer needed.
    fn release(&mut self, normed: Self::Normed) {
        drop(normed);
    }
}

impl<V, M> Layer<V, M> {
    /// The first half of the layer, up to attention.
    pub(crate) fn before_attention<O>(&self, ops: &mut O, x: &O::Rows) -> Result<Heads<O::Rows>, O::Error>
    where
        O: LayerOps<Vector = V, Map = M>,
    {
        let normed = ops.norm(x, &self.input_layernorm)?;
        let mut rotated = |map: &M, norm: &Option<V>| {
            let mut heads = ops.project(&normed, map)?;
            if let Some(norm) = norm {
                heads = ops.norm_heads(heads, norm)?;
            }
            ops.rotate(heads)
        };
        let queries = rotated(&self.q_proj, &self.q_norm)?;
        let keys = rotated(&self.k_proj, &self.k_norm)?;
        let values = ops.project(&normed, &self.v_proj)?;
        ops.release(normed);
        Ok(Heads { queries, keys, values })
    }

    /// The second half of the layer, from attention's result `[N, H·D]` to the next layer's input.
    pub(crate) fn after_attention<O>(
        &self,
        ops: &mut O,
        x: O::Rows,
        attended: O::Rows,
    ) -> Result<O::Rows, O::Error>
    where
        O: LayerOps<Vector = V, Map = M>,
    {
        let x = ops.project_onto(x, attended, &self.o_proj)?;
        let normed = ops.norm(&x, &self.post_attention_layernorm)?;
        let gated = ops.gated(&normed, &self.gate_proj, &self.up_proj)?;
        ops.release(normed);
        ops.project_onto(x, gated, &self.down_proj)
    }

    /// The same layer with its weights in another form.
    pub(crate) fn map<V2, M2, E>(
        &self,
        vector: impl Fn(&V) -> Result<V2, E>,
        map: impl Fn(&M) -> Result<M2, E>,
    ) -> Result<Layer<V2, M2>, E> {
        let optional = |norm: &Option<V>| norm.as_ref().map(&vector).transpose();
        Ok(Layer {
            input_layernorm: vector(&self.input_layernorm)?,
            q_proj: map(&self.q_proj)?,
            k_proj: map(&self.k_proj)?,
            v_proj: map(&self.v_proj)?,
            q_norm: optional(&self.q_norm)?,
            k_norm: optional(&self.k_norm)?,
            o_proj: map(&self.o_proj)?,
            post_attention_layernorm: vector(&self.post_attention_layernorm)?,
            gate_proj: map(&self.gate_proj)?,
            up_proj: map(&self.up_proj)?,
            down_proj: map(&self.down_proj)?,
        })
    }
}

/// The operations on candle tensors, with either kind of kernels; differentiable.
pub(crate) struct TensorOps {
    pub(crate) kernels: Kernels,
    pub(crate) eps: f64,
    /// The positions of the rows.
    pub(crate) rotary: Rotary,
}

impl LayerOps for TensorOps {
    type Rows = Tensor;
    type Normed = Tensor;
    type Vector = Tensor;
    type Map = Projection;
    type Error = candle_core::Error;

    fn norm(&mut self, x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        ops::rms_norm(self.kernels, x, weight, self.eps)
    }

    fn project(&mut self, x: &Tensor, map: &Projection) -> candle_core::Result<Tensor> {
        ops::linear(self.kernels, x, &map.weight, map.bias.as_ref())
    }

    fn norm_heads(&mut self, heads: Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        ops::rms_norm(self.kernels, &heads, weight, self.eps)
    }

    fn rotate(&mut self, heads: Tensor) -> candle_core::Result<Tensor> {
        ops::rope(self.kernels, &heads, &self.rotary)
    }

    fn gated(&mut self, x: &Tensor, gate: &Projection, up: &Projection) -> candle_core::Result<Tensor> {
        ops::gated(self.kernels, x, &gate.weight, &up.weight)
    }

    fn project_onto(&mut self, residual: Tensor, x: Tensor, map: &Projection) -> candle_core::Result<Tensor> {
        match map.bias {
            Some(_) => residual + self.project(&x, map)?,
            None => ops::linear_add(self.kernels, &residual, &x, &map.weight),
        }
    }
}
