//! Models in llama.cpp's file format, GGUF, taken over as model folders.
//!
//! A file has a model's shape, tokenizer and weights, which are often quantised. Each weight becomes the `f32` that
//! llama.cpp computes with; what the model lost when it was quantised stays lost. Names, order of weights and tokenizer
//! become those of a Hugging Face folder.

mod metadata;
mod tokenizer;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use camino::Utf8Path;
use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};

use crate::config::{Config, Family};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::layout::layout;
use crate::model::Model;
use crate::placement::{Kernels, Placement};
use metadata::Metadata;

/// Reads a GGUF file of the architecture `llama`, `qwen2` or `qwen3`.
///
/// # Errors
/// [`LmError::Io`]; [`LmError::Gguf`]: no such file, or one with something that the decoder does not compute, such as scaled
/// rotary positions, or a tokenizer of an unknown kind; those of [`Decoder::from_tensors`] and [`Model::new`].
pub fn read(path: &Utf8Path) -> Result<Model> {
    let mut file = BufReader::new(fs_err::File::open(path)?);
    let content = Content::read(&mut file).map_err(|error| wrong(path, error.to_string()))?;
    let metadata = Metadata { path, values: &content.metadata };
    let has = |name: &str| content.tensor_infos.contains_key(name);
    let tokenizer = tokenizer::tokenizer(&metadata)?;
    // The embedding may have more rows than there are tokens.
    let rows =
        content.tensor_infos.get("token_embd.weight").and_then(|info| info.shape.dims().first().copied());
    let rows = rows.unwrap_or_else(|| tokenizer.vocabulary_size());
    let config = metadata.config(rows, !has("output.weight"), has("blk.0.attn_q.bias"))?;
    let mut tensors = BTreeMap::new();
    let mut others: BTreeSet<&str> = content.tensor_infos.keys().map(String::as_str).collect();
    for spec in layout(&config) {
        let name = gguf_name(&spec.name);
        others.remove(name.as_str());
        let stored = content
            .tensor(&mut file, &name, &Device::Cpu)
            .map_err(|error| wrong(path, format!("its tensor `{name}` cannot be read: {error}")))?;
        let tensor = stored.dequantize(&Device::Cpu)?;
        let tensor = match heads_of(&spec.name, &config) {
            Some(heads) => in_halves(&tensor, heads)?,
            None => tensor,
        };
        tensors.insert(spec.name, tensor);
    }
    // Such as scales of the rotary positions, or biases of layers that have none here.
    if let Some(other) = others.first() {
        return Err(wrong(
            path,
            format!("it has a tensor `{other}`, with which this decoder does not compute"),
        ));
    }
    let decoder = Decoder::from_tensors(&config, tensors, &Placement::cpu(Kernels::Cpu))?;
    Model::new(decoder, tokenizer)
}

fn wrong(path: &Utf8Path, problem: String) -> LmError {
    LmError::Gguf { path: path.to_owned(), problem }
}

/// The name that llama.cpp gives to a tensor.
fn gguf_name(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["model", "embed_tokens", kind] => format!("token_embd.{kind}"),
        ["model", "norm", kind] => format!("output_norm.{kind}"),
        ["lm_head", kind] => format!("output.{kind}"),
        ["model", "layers", layer, .., part, kind] => {
            let part = match *part {
                "input_layernorm" => "attn_norm",
                "post_attention_layernorm" => "ffn_norm",
                "q_proj" => "attn_q",
                "k_proj" => "attn_k",
                "v_proj" => "attn_v",
                "o_proj" => "attn_output",
                "q_norm" => "attn_q_norm",
                "k_norm" => "attn_k_norm",
                "gate_proj" => "ffn_gate",
                "up_proj" => "ffn_up",
                "down_proj" => "ffn_down",
                other => other,
            };
            format!("blk.{layer}.{part}.{kind}")
        }
        _ => name.to_owned(),
    }
}

/// The number of heads of a tensor whose rows llama.cpp has in another order: it rotates neighbours, where the first half of
/// a head is rotated with the second here. Only files of the architecture `llama` are so.
fn heads_of(name: &str, config: &Config) -> Option<usize> {
    let of = |part: &str| name.contains(part);
    match config.family {
        Family::Llama if of(".q_proj.") => Some(config.num_heads),
        Family::Llama if of(".k_proj.") => Some(config.num_kv_heads),
        _ => None,
    }
}

/// Rows `0, 2, 4, … 1, 3, 5, …` of each head: `[rows, columns]` or `[rows]`, as it came.
fn in_halves(tensor: &Tensor, heads: usize) -> Result<Tensor> {
    let shape = tensor.dims().to_vec();
    let rows = shape.first().copied().unwrap_or(0);
    let columns = tensor.elem_count() / rows.max(1);
    let pairs = tensor.reshape((heads, rows / heads / 2, 2, columns))?;
    Ok(pairs.transpose(1, 2)?.contiguous()?.reshape(shape)?)
}
