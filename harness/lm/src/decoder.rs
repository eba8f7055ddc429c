//! The decoder: embedding, layers of attention and gated feed-forward, norm, head.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

use camino::Utf8Path;
use candle_core::{Tensor, Var};

use crate::config::Config;
use crate::error::{LmError, Result};
use crate::layer::{Heads, Layer, Projection, TensorOps};
use crate::layout::{EMBEDDING, HEAD};
use crate::ops::{self, Rotary, RotaryTable};
use crate::placement::{Kernels, Placement};
use crate::sequences::Sequences;
use crate::weights::{self, TensorSpec};

/// A causal language model.
///
/// Its trainable tensors are candle [`Var`]s under their Hugging Face names; whoever updates them in place,
/// as an optimizer does, updates the decoder.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    placement: Placement,
    vars: BTreeMap<String, Var>,
    tensors: BTreeMap<String, Tensor>,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    head: Tensor,
    rotary: Arc<Mutex<RotaryTable>>,
}

impl Decoder {
    /// A new model whose weights are a function of the configuration and the seed.
    ///
    /// Projections are normal with standard deviation `1/sqrt(in)`, those into the residual stream a further
    /// `1/sqrt(2·layers)` smaller, the embedding 0.02; norms are 1 and biases 0.
    ///
    /// # Errors
    /// [`LmError::ConfigValue`] if the configuration is impossible; those of [`Placement::open`].
    pub fn init(config: &Config, seed: u64, placement: &Placement) -> Result<Self> {
        config.check()?;
        Self::from_tensors(config, weights::initial(config, seed)?, placement)
    }

    /// A model from the tensors of one or several safetensors files of `f32`, `bf16` or `f16`, turned into
    /// the placement's float type.
    ///
    /// # Errors
    /// Those of [`weights::read`] and [`Placement::open`].
    pub fn from_safetensors<P: AsRef<Utf8Path>>(
        config: &Config,
        files: &[P],
        placement: &Placement,
    ) -> Result<Self> {
        config.check()?;
        Self::from_tensors(config, weights::read(config, files, placement)?, placement)
    }

    /// A model from tensors under their Hugging Face names, of any float type and on any device, copied into
    /// its trainable [`Var`]s on the placement.
    ///
    /// # Errors
    /// [`LmError::MissingTensor`], [`LmError::UnexpectedTensor`] or [`LmError::TensorShape`] where the
    /// tensors are not those of the configuration; those of [`Placement::open`].
    pub fn from_tensors(
        config: &Config,
        mut tensors: BTreeMap<String, Tensor>,
        placement: &Placement,
    ) -> Result<Self> {
        let device = placement.open()?;
        let mut vars = BTreeMap::new();
        for TensorSpec { name, shape: expected, .. } in weights::layout(config) {
            let Some(tensor) = tensors.remove(&name) else {
                return Err(LmError::MissingTensor { name });
            };
            if tensor.dims() != expected {
                return Err(LmError::TensorShape { name, expected, found: tensor.dims().to_vec() });
            }
            // A tensor that is a variable already would be shared, not copied, and two models trained as one.
            vars.insert(
                name,
                Var::from_tensor(&tensor.to_device(&device)?.to_dtype(placement.float.dtype())?.detach())?,
            );
        }
        if let Some((name, _)) = tensors.pop_first() {
            return Err(LmError::UnexpectedTensor { name });
        }
        let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        let table = rotation(config, 0);
        Self::assemble(config, *placement, vars, tensors, Arc::new(Mutex::new(table)))
    }

    fn assemble(
        config: &Config,
        placement: Placement,
        vars: BTreeMap<String, Var>,
        tensors: BTreeMap<String, Tensor>,
        rotary: Arc<Mutex<RotaryTable>>,
    ) -> Result<Self> {
        let get = |name: String| tensors.get(&name).cloned().ok_or(LmError::MissingTensor { name });
        let layers = (0..config.num_layers)
            .map(|index| layer(config, |suffix| get(format!("model.layers.{index}.{suffix}"))))
            .collect::<Result<Vec<_>>>()?;
        let embedding = get(EMBEDDING.to_owned())?;
        let head = if config.tied_head { embedding.clone() } else { get(HEAD.to_owned())? };
        let norm = get("model.norm.weight".to_owned())?;
        Ok(Self { config: config.clone(), placement, vars, tensors, embedding, layers, norm, head, rotary })
    }

    /// The same weights without a gradient: what is computed with them builds no graph.
    ///
    /// The weights are shared, not copied: later updates of the original show.
    ///
    /// # Errors
    /// None in practice; the weights were complete when this decoder was made.
    pub fn frozen(&self) -> Result<Self> {
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.detach())).collect();
        Self::assemble(&self.config, self.placement, BTreeMap::new(), tensors, Arc::clone(&self.rotary))
    }

    /// The same weights, shared, with other kernels.
    ///
    /// # Errors
    /// [`LmError::Placement`] if these kernels cannot compute where the weights are.
    pub fn with_kernels(&self, kernels: Kernels) -> Result<Self> {
        let placement = Placement { kernels, ..self.placement };
        placement.check()?;
        let (vars, tensors) = (self.vars.clone(), self.tensors.clone());
        Self::assemble(&self.config, placement, vars, tensors, Arc::clone(&self.rotary))
    }

    /// The model's shape.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where and how it computes.
    #[must_use]
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The kernels that compute its operations.
    #[must_use]
    pub fn kernels(&self) -> Kernels {
        self.placement.kernels
    }

    /// The trainable tensors under their Hugging Face names; none in a [frozen](Self::frozen) decoder.
    #[must_use]
    pub fn vars(&self) -> &BTreeMap<String, Var> {
        &self.vars
    }

    /// All tensors under their Hugging Face names.
    #[must_use]
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// The embedding, `[V, d]`.
    #[must_use]
    pub fn embedding(&self) -> &Tensor {
        &self.embedding
    }

    /// The layers' weights, first to last.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The norm before the head, `[d]`.
    #[must_use]
    pub fn norm(&self) -> &Tensor {
        &self.norm
    }

    /// The head, `[V, d]`: the embedding itself in a tied model.
    #[must_use]
    pub fn head(&self) -> &Tensor {
        &self.head
    }

    /// The Hugging Face name of the head's tensor.
    #[must_use]
    pub fn head_name(&self) -> &'static str {
        if self.config.tied_head { EMBEDDING } else { HEAD }
    }

    /// Writes the weights as one safetensors file of `f32`: the same weights give the same bytes.
    ///
    /// # Errors
    /// [`LmError::Io`] if the file cannot be written.
    pub fn save(&self, path: &Utf8Path) -> Result<()> {
        let mut file = BufWriter::new(fs_err::File::create(path)?);
        weights::write_safetensors(&self.tensors, &mut file)?;
        Ok(file.flush()?)
    }

    /// The bytes that [`save`](Self::save) writes.
    ///
    /// # Errors
    /// [`LmError::Tensor`] if a tensor cannot be read.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        weights::to_safetensors(&self.tensors)
    }

    /// The rotation of rows at the given positions, from a table that grows as needed.
    ///
    /// # Errors
    /// None in practice: the table covers every position asked for.
    pub fn rotary(&self, positions: &[u32]) -> Result<Rotary> {
        let needed = positions.iter().max().map_or(0, |position| *position as usize + 1);
        let mut table = self.rotary.lock().unwrap_or_else(PoisonError::into_inner);
        if table.positions() < needed {
            *table = rotation(&self.config, needed.next_power_of_two());
        }
        Ok(table.at(positions)?)
    }

    /// The hidden state after the last norm: one row `[d]` per token of the batch, `[N, d]` in all.
    ///
    /// # Errors
    /// [`LmError::TokenOutOfRange`] for a token outside the vocabulary.
    pub fn hidden(&self, batch: &Sequences) -> Result<Tensor> {
        if batch.is_empty() {
            return Ok(Tensor::zeros((0, self.config.hidden_size), self.norm.dtype(), self.norm.device())?);
        }
        let pass = self.pass(batch)?;
        self.final_norm(&pass.layers(self, pass.embedded(self)?)?)
    }

    /// The state after the last layer, before the last norm: `[N, d]` for `N` tokens at the given positions.
    ///
    /// `attend` computes attention `[N, H·D]` of the layer of the given index.
    pub(crate) fn layers_of(
        &self,
        tokens: &[u32],
        positions: &[u32],
        mut attend: impl FnMut(usize, Heads<Tensor>) -> candle_core::Result<Tensor>,
    ) -> Result<Tensor> {
        let mut ops = self.ops(self.rotary(positions)?);
        let mut x = ops::embedding(&self.embedding, tokens)?;
        for (index, layer) in self.layers.iter().enumerate() {
            x = through(layer, &mut ops, x, |heads| attend(index, heads))?;
        }
        Ok(x)
    }

    fn ops(&self, rotary: Rotary) -> TensorOps {
        TensorOps { kernels: self.kernels(), eps: self.config.rms_norm_eps, rotary }
    }

    /// The way of a batch through the decoder, piece by piece.
    pub(crate) fn pass<'a>(&self, batch: &'a Sequences) -> Result<Pass<'a>> {
        self.check_tokens(batch.tokens())?;
        Ok(Pass { batch, rotary: self.rotary(&batch.positions())? })
    }

    /// The norm before the head, `[M, d]` to `[M, d]`.
    pub(crate) fn final_norm(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::rms_norm(self.kernels(), x, &self.norm, self.config.rms_norm_eps)?)
    }

    /// Logits `[M, V]` of rows `[M, d]` of a hidden state.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        Ok(ops::linear(self.kernels(), hidden, &self.head, None)?)
    }

    /// Log-probabilities of the targets, in their order: `[targets.len()]`.
    ///
    /// A target `(row, token)` asks for the token predicted **at** a row of the batch, so the probability of
    /// the batch's own token `i` is asked for as `(i - 1, tokens[i])`. Rows that no target names do not pass
    /// the head.
    ///
    /// # Errors
    /// [`LmError::TokenOutOfRange`] or [`LmError::RowOutOfRange`].
    pub fn log_probs(&self, batch: &Sequences, targets: &[(usize, u32)]) -> Result<Tensor> {
        for (position, (row, token)) in targets.iter().enumerate() {
            if *row >= batch.total() {
                return Err(LmError::RowOutOfRange { row: *row, rows: batch.total() });
            }
            if *token as usize >= self.config.vocab_size {
                return Err(LmError::TokenOutOfRange {
                    token: *token,
                    position,
                    vocab_size: self.config.vocab_size,
                });
            }
        }
        Ok(ops::head_log_probs(self.kernels(), &self.hidden(batch)?, &self.head, targets)?)
    }

    fn check_tokens(&self, tokens: &[u32]) -> Result<()> {
        let vocab_size = self.config.vocab_size;
        match tokens.iter().position(|token| *token as usize >= vocab_size) {
            Some(position) => Err(LmError::TokenOutOfRange { token: tokens[position], position, vocab_size }),
            None => Ok(()),
        }
    }
}

/// The way of a batch of `N` tokens through a decoder, in pieces that a backward pass can take one by one.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    batch: &'a Sequences,
    rotary: Rotary,
}

impl Pass<'_> {
    /// The input of the first layer, `[N, d]`.
    pub(crate) fn embedded(&self, decoder: &Decoder) -> Result<Tensor> {
        Ok(ops::embedding(&decoder.embedding, self.batch.tokens())?)
    }

    /// The output of a layer, `[N, d]` to `[N, d]`.
    pub(crate) fn layer(&self, decoder: &Decoder, index: usize, x: &Tensor) -> Result<Tensor> {
        let (kernels, head_dim) = (decoder.kernels(), decoder.config.head_dim);
        let attend = |Heads { queries, keys, values }| {
            ops::attention(kernels, &queries, &keys, &values, head_dim, self.batch.offsets())
        };
        let mut ops = decoder.ops(self.rotary.clone());
        Ok(through(&decoder.layers[index], &mut ops, x.clone(), attend)?)
    }

    /// The output of the last layer for the input `x` of the first one, `[N, d]` to `[N, d]`.
    pub(crate) fn layers(&self, decoder: &Decoder, mut x: Tensor) -> Result<Tensor> {
        for index in 0..decoder.layers.len() {
            x = self.layer(decoder, index, &x)?;
        }
        Ok(x)
    }

    /// What passes the head of some rows of the last layer's output: `[rows.len(), d]`.
    pub(crate) fn before_head(&self, decoder: &Decoder, x: &Tensor, rows: &[u32]) -> Result<Tensor> {
        decoder.final_norm(&x.index_select(&Tensor::new(rows, x.device())?, 0)?)
    }
}

/// A layer's output, `[N, d]` to `[N, d]`; `attend` computes its attention, `[N, H·D]`.
fn through(
    layer: &Layer,
    ops: &mut TensorOps,
    x: Tensor,
    attend: impl FnOnce(Heads<Tensor>) -> candle_core::Result<Tensor>,
) -> candle_core::Result<Tensor> {
    let attended = attend(layer.before_attention(ops, &x)?)?;
    layer.after_attention(ops, x, attended)
}

/// One layer of its tensors, which `part` gives by the end of their names.
fn layer(config: &Config, part: impl Fn(&str) -> Result<Tensor>) -> Result<Layer> {
    let map = |name: &str, bias: bool| {
        Ok::<_, LmError>(Projection {
            weight: part(&format!("{name}.weight"))?,
            bias: bias.then(|| part(&format!("{name}.bias"))).transpose()?,
        })
    };
    let head_norm = |name: &str| config.qk_norm().then(|| part(name)).transpose();
    Ok(Layer {
        input_layernorm: part("input_layernorm.weight")?,
        q_proj: map("self_attn.q_proj", config.qkv_bias)?,
        k_proj: map("self_attn.k_proj", config.qkv_bias)?,
        v_proj: map("self_attn.v_proj", config.qkv_bias)?,
        q_norm: head_norm("self_attn.q_norm.weight")?,
        k_norm: head_norm("self_attn.k_norm.weight")?,
        o_proj: map("self_attn.o_proj", config.output_bias)?,
        post_attention_layernorm: part("post_attention_layernorm.weight")?,
        gate_proj: map("mlp.gate_proj", false)?,
        up_proj: map("mlp.up_proj", false)?,
        down_proj: map("mlp.down_proj", false)?,
    })
}

/// The rotation of a model's heads at the positions below `positions`.
fn rotation(config: &Config, positions: usize) -> RotaryTable {
    RotaryTable::scaled(config.head_dim, config.rope_theta, config.rope_scaling.as_ref(), positions)
}
