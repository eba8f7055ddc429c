//! Small models for tests.

use assay_lm::{Config, Decoder, Family, Kernels, Placement, Result, weights};

/// A model with two layers and grouped heads; Llama's head is its own, the others' is the embedding.
pub(crate) fn shape(family: Family, vocab_size: usize) -> Config {
    Config {
        family,
        vocab_size,
        hidden_size: 32,
        intermediate_size: 48,
        num_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        head_dim: 10,
        max_positions: 512,
        rope_theta: 10_000.0,
        rope_scaling: None,
        rms_norm_eps: 1e-6,
        tied_head: family != Family::Llama,
        qkv_bias: family == Family::Qwen2,
        output_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![],
    }
}

/// A decoder whose logits and norms are far from their first values, so that a wrong operation shows.
pub(crate) fn lively(config: &Config, seed: u64, kernels: Kernels) -> Result<Decoder> {
    let mut tensors = weights::initial(config, seed)?;
    for (name, tensor) in &mut tensors {
        if name.ends_with("embed_tokens.weight") {
            *tensor = (&*tensor * 20.0)?;
        } else if tensor.rank() == 1 {
            let wave: Vec<f32> = (0..tensor.elem_count()).map(|i| (i as f32 * 0.7).sin() * 0.3).collect();
            *tensor = (&*tensor + candle_core::Tensor::new(wave, tensor.device())?)?;
        }
    }
    Decoder::from_tensors(config, tensors, &Placement::cpu(kernels))
}
