//! Shapes of models, for the examples beside this folder.

use assay_lm::{Config, Family, LmError};

/// A model's shape, and for training the rows of a step and the tokens of a row.
pub(crate) fn shape(size: &str) -> Result<(Config, usize, usize), LmError> {
    let shape = |d, ff, layers, heads, kv_heads, head_dim, vocab_size, qkv_bias| Config {
        family: if qkv_bias { Family::Qwen2 } else { Family::Llama },
        vocab_size,
        hidden_size: d,
        intermediate_size: ff,
        num_layers: layers,
        num_heads: heads,
        num_kv_heads: kv_heads,
        head_dim,
        max_positions: 8192,
        rope_theta: 100_000.0,
        rope_scaling: None,
        rms_norm_eps: 1e-5,
        tied_head: true,
        qkv_bias,
        output_bias: false,
        bos_token_id: None,
        eos_token_ids: Vec::new(),
    };
    match size {
        "tiny" => Ok((shape(96, 256, 3, 4, 2, 24, 45, false), 8, 32)),
        "135m" => Ok((shape(576, 1536, 30, 9, 3, 64, 49_152, false), 16, 1024)),
        "500m" => Ok((shape(896, 4864, 24, 14, 2, 64, 151_936, true), 8, 1024)),
        other => {
            Err(LmError::Setting { field: "size", problem: format!("is {other:?}: tiny, 135m or 500m") })
        }
    }
}
