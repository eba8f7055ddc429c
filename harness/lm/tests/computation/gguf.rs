//! Files of llama.cpp's format: a model that is written as llama.cpp has it is the same model when it is read.

use assay_lm::{Config, Decoder, Family, Kernels, LmError, Placement, gguf};
use camino::Utf8PathBuf;
use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};

use crate::support::{config, next_tokens, rng, sequences, values};

/// The names of tensors: here, and in such files.
const NAMES: [(&str, &str); 15] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("model.layers", "blk"),
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
];

/// What llama.cpp does to the queries and keys of its architecture `llama`: the two halves of a head become pairs.
fn in_pairs(tensor: &Tensor, heads: usize) -> Tensor {
    let (rows, columns) = tensor.dims2().unwrap();
    let halves = tensor.reshape((heads, 2, rows / heads / 2, columns)).unwrap();
    halves.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The smallest tokenizer of this kind that has all of the shape's ids: letters, two that merge, a delimiter.
fn metadata(config: &Config, architecture: &str) -> Vec<(String, Value)> {
    let mut tokens: Vec<String> = (b'a'..=b'z').map(|letter| char::from(letter).to_string()).collect();
    tokens.extend(["ab".to_owned(), "1".to_owned(), "<|end|>".to_owned()]);
    assert_eq!(tokens.len(), config.vocab_size);
    let types = tokens.iter().map(|token| Value::I32(if token == "<|end|>" { 3 } else { 1 }));
    let size = |size: usize| Value::U32(size as u32);
    let own = [
        ("embedding_length", size(config.hidden_size)),
        ("feed_forward_length", size(config.intermediate_size)),
        ("block_count", size(config.num_layers)),
        ("attention.head_count", size(config.num_heads)),
        ("attention.head_count_kv", size(config.num_kv_heads)),
        ("attention.key_length", size(config.head_dim)),
        ("context_length", size(config.max_positions)),
        ("rope.freq_base", Value::F32(config.rope_theta as f32)),
        ("attention.layer_norm_rms_epsilon", Value::F32(config.rms_norm_eps as f32)),
    ];
    let mut all = vec![
        ("general.architecture".to_owned(), text(architecture)),
        ("tokenizer.ggml.model".to_owned(), text("gpt2")),
        ("tokenizer.ggml.pre".to_owned(), text("smollm")),
        ("tokenizer.ggml.token_type".to_owned(), Value::Array(types.collect())),
        ("tokenizer.ggml.tokens".to_owned(), Value::Array(tokens.iter().map(|token| text(token)).collect())),
        ("tokenizer.ggml.merges".to_owned(), Value::Array(vec![text("a b")])),
        ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(28)),
    ];
    all.extend(own.map(|(key, value)| (format!("{architecture}.{key}"), value)));
    all
}

/// A model of this family as such a file, with one more tensor if `more` names one, after `edit` has changed what it says.
fn file(
    family: Family,
    more: Option<&str>,
    edit: impl Fn(&mut Vec<(String, Value)>),
) -> (tempfile::TempDir, Utf8PathBuf, Decoder) {
    let config = Config { eos_token_ids: vec![28], ..config(family) };
    let decoder = Decoder::init(&config, 3, &Placement::cpu(Kernels::Cpu)).unwrap();
    let architecture = match family {
        Family::Llama => "llama",
        Family::Qwen2 => "qwen2",
        Family::Qwen3 => "qwen3",
    };
    let mut tensors: Vec<(String, QTensor)> = decoder
        .tensors()
        .iter()
        .map(|(name, tensor)| {
            let tensor = match family {
                Family::Llama if name.contains("q_proj") => in_pairs(tensor, config.num_heads),
                Family::Llama if name.contains("k_proj") => in_pairs(tensor, config.num_kv_heads),
                _ => tensor.clone(),
            };
            let named = NAMES.iter().fold(name.clone(), |name, (from, to)| name.replace(from, to));
            (named, QTensor::quantize(&tensor, GgmlDType::F32).unwrap())
        })
        .collect();
    if let Some(name) = more {
        let zeros = Tensor::zeros(config.hidden_size, DType::F32, &Device::Cpu).unwrap();
        tensors.push((name.to_owned(), QTensor::quantize(&zeros, GgmlDType::F32).unwrap()));
    }
    let tensors: Vec<(&str, &QTensor)> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut metadata = metadata(&config, architecture);
    edit(&mut metadata);
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("model.gguf")).unwrap();
    write(&mut std::fs::File::create(&path).unwrap(), &metadata, &tensors).unwrap();
    (folder, path, decoder)
}

#[test]
fn a_model_survives_the_format_of_llama_cpp() {
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let (_folder, path, written) = file(family, None, |_| {});
        let read = gguf::read(&path).unwrap();
        assert_eq!(read.decoder.config(), written.config(), "{family:?}");
        let batch = sequences(&mut rng(1), &[7, 4], written.config().vocab_size);
        let scores = |decoder: &Decoder| values(&decoder.log_probs(&batch, &next_tokens(&batch)).unwrap());
        assert_eq!(scores(&read.decoder), scores(&written), "{family:?}");
        let ids = read.tokenizer.encode("abba<|end|>1").unwrap();
        assert_eq!(ids, [26, 1, 0, 28, 27], "{family:?}");
    }
}

#[test]
fn what_the_decoder_does_not_compute_is_refused() {
    let cases = [
        ("general.architecture", text("mamba"), "`mamba`"),
        ("llama.rope.scaling.type", text("yarn"), "`llama.rope.scaling.type` scales rotary positions"),
        ("llama.rope.scaling.factor", Value::F32(4.0), "`llama.rope.scaling.factor` scales rotary positions"),
        ("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1)]), "types of 1"),
        ("llama.rope.dimension_count", Value::U32(4), "part of each head"),
        ("tokenizer.ggml.model", text("llama"), "kind `llama`"),
        ("tokenizer.ggml.pre", text("poro-chat"), "`poro-chat`"),
        ("llama.block_count", text("two"), "`llama.block_count` is of type String"),
    ];
    for (key, value, part) in cases {
        let (_folder, path, _) = file(Family::Llama, None, |metadata| {
            metadata.retain(|(name, _)| name != key);
            metadata.push((key.to_owned(), value.clone()));
        });
        let error = gguf::read(&path).unwrap_err();
        assert!(matches!(&error, LmError::Gguf { problem, .. } if problem.contains(part)), "{error}");
        assert!(error.remedy().is_some());
    }
    for more in ["rope_freqs.weight", "blk.0.attn_output.bias", "blk.2.attn_q.weight"] {
        let (_folder, path, _) = file(Family::Llama, Some(more), |_| {});
        let error = gguf::read(&path).unwrap_err();
        assert!(matches!(&error, LmError::Gguf { problem, .. } if problem.contains(more)), "{error}");
    }
    let (_folder, path, _) = file(Family::Llama, None, |_| {});
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 3, 100, bytes.len() / 2, bytes.len() - 1000] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = gguf::read(&path).unwrap_err();
        assert!(matches!(&error, LmError::Gguf { .. }), "cut to {length}: {error}");
    }
}
