//! A model's tensors: their names and shapes, first values, and safetensors files.

use std::collections::{BTreeMap, HashMap};

use camino::Utf8Path;
use candle_core::{Device, Tensor};
use half::{bf16, f16};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::config::Config;
use crate::error::{LmError, Result};

/// A tensor that a model of some configuration has.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// The Hugging Face name, as `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// The shape; projections are `[out, in]`.
    pub shape: Vec<usize>,
    /// How it starts in a new model.
    pub init: Init,
}

/// The first value of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Each element drawn from a normal distribution around 0.
    Normal {
        /// Its standard deviation.
        std: f64,
    },
    /// Each element the same.
    Constant(f32),
}

/// Every tensor of a model, in the order of the computation. A tied head is not listed: it is the embedding.
#[must_use]
pub fn layout(config: &Config) -> Vec<TensorSpec> {
    let mut specs = Vec::new();
    let mut add =
        |name: String, shape: &[usize], init| specs.push(TensorSpec { name, shape: shape.to_vec(), init });
    let (d, heads, kv) =
        (config.hidden_size, config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim);
    let fan_in = |width: usize| Init::Normal { std: (width as f64).sqrt().recip() };
    // What is added to the residual stream 2L times starts smaller, so that the stream keeps its scale
    // (GPT-2, 2019).
    let residual =
        |width: usize| Init::Normal { std: (width as f64 * 2.0 * config.num_layers as f64).sqrt().recip() };

    add("model.embed_tokens.weight".to_owned(), &[config.vocab_size, d], Init::Normal { std: 0.02 });
    for layer in 0..config.num_layers {
        let name = |suffix: &str| format!("model.layers.{layer}.{suffix}");
        add(name("input_layernorm.weight"), &[d], Init::Constant(1.0));
        for (projection, width) in [("q_proj", heads), ("k_proj", kv), ("v_proj", kv)] {
            add(name(&format!("self_attn.{projection}.weight")), &[width, d], fan_in(d));
            if config.qkv_bias {
                add(name(&format!("self_attn.{projection}.bias")), &[width], Init::Constant(0.0));
            }
        }
        if config.qk_norm() {
            add(name("self_attn.q_norm.weight"), &[config.head_dim], Init::Constant(1.0));
            add(name("self_attn.k_norm.weight"), &[config.head_dim], Init::Constant(1.0));
        }
        add(name("self_attn.o_proj.weight"), &[d, heads], residual(heads));
        if config.output_bias {
            add(name("self_attn.o_proj.bias"), &[d], Init::Constant(0.0));
        }
        add(name("post_attention_layernorm.weight"), &[d], Init::Constant(1.0));
        add(name("mlp.gate_proj.weight"), &[config.intermediate_size, d], fan_in(d));
        add(name("mlp.up_proj.weight"), &[config.intermediate_size, d], fan_in(d));
        add(name("mlp.down_proj.weight"), &[d, config.intermediate_size], residual(config.intermediate_size));
    }
    add("model.norm.weight".to_owned(), &[d], Init::Constant(1.0));
    if !config.tied_head {
        add("lm_head.weight".to_owned(), &[config.vocab_size, d], fan_in(d));
    }
    specs
}

/// The tensors of a new model, a function of the configuration and the seed alone.
///
/// Each tensor draws from its own ChaCha8 stream, chosen by its name.
///
/// # Errors
/// [`LmError::Tensor`] if candle cannot hold the tensors.
pub fn initial(config: &Config, seed: u64) -> Result<BTreeMap<String, Tensor>> {
    layout(config)
        .into_iter()
        .map(|TensorSpec { name, shape, init }| {
            let count = shape.iter().product();
            let values = match init {
                Init::Constant(value) => vec![value; count],
                Init::Normal { std } => normals(seed, &name, count, std),
            };
            Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
        })
        .collect()
}

/// Normal variates by the Box-Muller transform, computed in `f64`.
fn normals(seed: u64, name: &str, count: usize, std: f64) -> Vec<f32> {
    let digest = blake3::hash(name.as_bytes());
    let stream = digest.as_bytes()[..8].iter().fold(0_u64, |acc, byte| acc << 8 | u64::from(*byte));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    // 53 random bits, in (0, 1].
    let mut uniform = || ((rng.next_u64() >> 11) + 1) as f64 * (0.5_f64).powi(53);
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let radius = std * (-2.0 * uniform().ln()).sqrt();
        let angle = std::f64::consts::TAU * uniform();
        values.push((radius * angle.cos()) as f32);
        values.push((radius * angle.sin()) as f32);
    }
    values.truncate(count);
    values
}

/// Reads a model's tensors from one or several safetensors files, widening `bf16` and `f16` to `f32`.
///
/// A head stored beside a tied embedding and stored rotary frequencies are ignored.
///
/// # Errors
/// [`LmError::Io`], [`LmError::WeightsFormat`], or a tensor that is missing, unknown, or of another shape or
/// type than the configuration gives.
pub fn read<P: AsRef<Utf8Path>>(config: &Config, files: &[P]) -> Result<BTreeMap<String, Tensor>> {
    let mut expected: BTreeMap<String, Vec<usize>> =
        layout(config).into_iter().map(|spec| (spec.name, spec.shape)).collect();
    let mut tensors = BTreeMap::new();
    for path in files {
        let path = path.as_ref();
        let bytes = fs_err::read(path)?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|source| LmError::WeightsFormat { path: path.to_owned(), source })?;
        for (name, view) in file.iter() {
            let Some(shape) = expected.remove(name) else {
                let redundant =
                    name.ends_with("rotary_emb.inv_freq") || config.tied_head && name == "lm_head.weight";
                if redundant {
                    continue;
                }
                return Err(LmError::UnexpectedTensor { name: name.to_owned() });
            };
            if view.shape() != shape {
                let found = view.shape().to_vec();
                return Err(LmError::TensorShape { name: name.to_owned(), expected: shape, found });
            }
            tensors.insert(name.to_owned(), Tensor::from_vec(widen(name, &view)?, shape, &Device::Cpu)?);
        }
    }
    match expected.pop_first() {
        Some((name, _)) => Err(LmError::MissingTensor { name }),
        None => Ok(tensors),
    }
}

fn widen(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>> {
    let data = view.data();
    let halves = || data.as_chunks::<2>().0.iter();
    Ok(match view.dtype() {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::BF16 => halves().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
        Dtype::F16 => halves().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
        other => return Err(LmError::TensorDtype { name: name.to_owned(), dtype: format!("{other:?}") }),
    })
}

/// The bytes of a safetensors file with the given tensors as `f32`: a function of the tensors alone.
///
/// # Errors
/// [`LmError::Tensor`] if a tensor cannot be read as `f32`.
pub fn to_safetensors<'a>(tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>) -> Result<Vec<u8>> {
    let data = tensors
        .into_iter()
        .map(|(name, tensor)| {
            let values = tensor.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            Ok((name, tensor.dims().to_vec(), bytes))
        })
        .collect::<Result<Vec<_>>>()?;
    let views = data
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(invalid)?))
        })
        .collect::<Result<Vec<_>>>()?;
    // Readers of this format look for the framework's name; one entry, so no map order can leak.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(invalid)
}

fn invalid(error: safetensors::SafeTensorError) -> LmError {
    LmError::Tensor(candle_core::Error::wrap(error))
}
