//! The decoder against the models of candle-transformers, which know nothing of it.

use std::collections::{BTreeMap, HashMap};

use crate::support::{self, assert_close, rng, sequences, tensor};
use assay_lm::{Config, Decoder, Family, Kernels, Placement, weights};
use camino::Utf8PathBuf;
use candle_core::{DType, Device, Tensor};
use candle_nn::{Activation, VarBuilder};
use candle_transformers::models::{llama, qwen2, qwen3};

/// Weights in which every tensor matters: no norm is 1, no bias 0, and logits are of the size that trained
/// models have.
fn busy_weights(config: &Config) -> BTreeMap<String, Tensor> {
    let mut rng = rng(77);
    let mut weights = weights::initial(config, 5).unwrap();
    for (name, value) in &mut weights {
        let noise = tensor(&mut rng, value.shape());
        *value = match name {
            name if name.contains("norm") || name.ends_with("bias") => (&*value + noise * 0.5).unwrap(),
            name if name.contains("embed") => (noise * 2.0).unwrap(),
            _ => (&*value * 2.0).unwrap(),
        };
    }
    weights
}

fn builder(weights: &BTreeMap<String, Tensor>) -> VarBuilder<'static> {
    let tensors: HashMap<String, Tensor> = weights.iter().map(|(n, t)| (n.clone(), t.clone())).collect();
    VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
}

/// Compares both back ends' logits for a batch of uneven sequences with `oracle`'s for one sequence at a
/// time.
fn check(config: &Config, weights: &BTreeMap<String, Tensor>, oracle: impl Fn(&[u32]) -> Tensor) {
    let batch = sequences(&mut rng(31), &[13, 1, 40, 2], config.vocab_size);
    let expected: Vec<Tensor> = batch.ranges().map(|rows| oracle(&batch.tokens()[rows])).collect();
    let expected = Tensor::cat(&expected, 0).unwrap();
    for kernels in [Kernels::Reference, Kernels::Cpu] {
        let decoder = Decoder::from_tensors(config, weights.clone(), &Placement::cpu(kernels)).unwrap();
        let logits = decoder.logits(&decoder.hidden(&batch).unwrap()).unwrap();
        assert_close(&logits, &expected, 1e-5, &format!("{:?} on {kernels:?}: logits", config.family));
    }
}

fn input(tokens: &[u32]) -> Tensor {
    Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap()
}

/// Logits from a hidden state `[1, T, d]`.
fn head(hidden: &Tensor, head: &Tensor) -> Tensor {
    hidden.squeeze(0).unwrap().matmul(&head.t().unwrap()).unwrap()
}

#[test]
fn qwen3_agrees() {
    for (bias, tied) in [(false, true), (true, false)] {
        let mut config = support::config(Family::Qwen3);
        (config.qkv_bias, config.output_bias, config.tied_head) = (bias, bias, tied);
        let weights = busy_weights(&config);
        let oracle = qwen3::Config {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_layers,
            num_attention_heads: config.num_heads,
            head_dim: config.head_dim,
            attention_bias: bias,
            num_key_value_heads: config.num_kv_heads,
            max_position_embeddings: config.max_positions,
            sliding_window: None,
            max_window_layers: 0,
            tie_word_embeddings: tied,
            rope_theta: config.rope_theta,
            rms_norm_eps: config.rms_norm_eps,
            use_sliding_window: false,
            hidden_act: Activation::Silu,
        };
        let name = if tied { "model.embed_tokens.weight" } else { "lm_head.weight" };
        check(&config, &weights, |tokens| {
            let mut model = qwen3::Model::new(&oracle, builder(&weights)).unwrap();
            head(&model.forward(&input(tokens), 0).unwrap(), &weights[name])
        });
    }
}

#[test]
fn qwen2_agrees() {
    let config = Config { head_dim: 6, rope_theta: 1e6, ..support::config(Family::Qwen2) };
    let weights = busy_weights(&config);
    let oracle = qwen2::Config {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        intermediate_size: config.intermediate_size,
        num_hidden_layers: config.num_layers,
        num_attention_heads: config.num_heads,
        num_key_value_heads: config.num_kv_heads,
        max_position_embeddings: config.max_positions,
        // Applied whatever `use_sliding_window` says, so out of the way.
        sliding_window: 1 << 20,
        max_window_layers: 0,
        tie_word_embeddings: true,
        rope_theta: config.rope_theta,
        rms_norm_eps: config.rms_norm_eps,
        use_sliding_window: false,
        hidden_act: Activation::Silu,
    };
    check(&config, &weights, |tokens| {
        let mut model = qwen2::Model::new(&oracle, builder(&weights)).unwrap();
        head(&model.forward(&input(tokens), 0, None).unwrap(), &weights["model.embed_tokens.weight"])
    });
}

/// Candle's llama gives the logits of the last position only, so every prefix is run.
fn llama_logits(model: &llama::Llama, config: &llama::Config, tokens: &[u32]) -> Tensor {
    let rows: Vec<Tensor> = (1..=tokens.len())
        .map(|length| {
            let mut cache = llama::Cache::new(false, DType::F32, config, &Device::Cpu).unwrap();
            model.forward(&input(&tokens[..length]), 0, &mut cache).unwrap()
        })
        .collect();
    Tensor::cat(&rows, 0).unwrap()
}

fn llama_config(config: &Config) -> llama::Config {
    llama::Config {
        hidden_size: config.hidden_size,
        intermediate_size: config.intermediate_size,
        vocab_size: config.vocab_size,
        num_hidden_layers: config.num_layers,
        num_attention_heads: config.num_heads,
        num_key_value_heads: config.num_kv_heads,
        use_flash_attn: false,
        rms_norm_eps: config.rms_norm_eps,
        rope_theta: config.rope_theta as f32,
        bos_token_id: None,
        eos_token_id: None,
        rope_scaling: None,
        max_position_embeddings: config.max_positions,
        tie_word_embeddings: config.tied_head,
    }
}

#[test]
fn llama_agrees() {
    let config = Config { head_dim: 6, ..support::config(Family::Llama) };
    let weights = busy_weights(&config);
    let oracle = llama_config(&config);
    let model = llama::Llama::load(builder(&weights), &oracle).unwrap();
    check(&config, &weights, |tokens| llama_logits(&model, &oracle, tokens));
}

/// A real checkpoint in `bf16`, where the machine has one: `$ASSAY_SHARED/data/tiny_llama`, or beside the
/// workspace.
#[test]
#[expect(clippy::print_stderr, reason = "says that it did not run")]
fn a_trained_checkpoint_agrees() {
    let shared = std::env::var("ASSAY_SHARED").map_or_else(
        |_| Utf8PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        Utf8PathBuf::from,
    );
    let folder = shared.join("data/tiny_llama");
    let Ok(text) = fs_err::read_to_string(folder.join("config.json")) else {
        eprintln!("skipped: {folder} is not there");
        return;
    };
    let config = Config::from_json(&text).unwrap();
    let weights =
        weights::read(&config, &[folder.join("model.safetensors")], &Placement::cpu(Kernels::Cpu)).unwrap();
    let oracle = llama_config(&config);
    let model = llama::Llama::load(builder(&weights), &oracle).unwrap();
    check(&config, &weights, |tokens| llama_logits(&model, &oracle, tokens));
}
