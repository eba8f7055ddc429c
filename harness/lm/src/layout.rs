//! The tensors that a model of some configuration has.

use crate::config::Config;

/// The name of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";
/// The name of a head that is not the embedding.
pub(crate) const HEAD: &str = "lm_head.weight";

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

    add(EMBEDDING.to_owned(), &[config.vocab_size, d], Init::Normal { std: 0.02 });
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
        add(HEAD.to_owned(), &[config.vocab_size, d], fan_in(d));
    }
    specs
}

impl Config {
    /// Number of parameters, each shared one counted once.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        layout(self).iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum()
    }
}
