//! Reading and writing `config.json`.

use assay_lm::{Config, ErrorClass, Family, LmError};
use serde_json::{Value, json};

use crate::support;

/// A small valid configuration with `changes` on top; a null removes the field.
fn text(model_type: &str, changes: Value) -> String {
    let mut fields = json!({
        "model_type": model_type, "vocab_size": 50, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 512, "hidden_act": "silu", "rms_norm_eps": 1e-5,
    });
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => fields.as_object_mut().unwrap().remove(field),
            value => fields.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    fields.to_string()
}

#[test]
fn reads_the_three_families() {
    let read = |model_type, changes| Config::from_json(&text(model_type, changes)).unwrap();
    let llama = read("llama", json!({}));
    assert_eq!(llama.family, Family::Llama);
    assert_eq!((llama.head_dim, llama.num_kv_heads, llama.group_size()), (8, 2, 2));
    assert_eq!((llama.rope_theta, llama.rms_norm_eps), (10_000.0, 1e-5));
    assert!(!llama.qk_norm() && !llama.qkv_bias && !llama.output_bias && !llama.tied_head);

    let qwen2 = read(
        "qwen2",
        json!({ "use_sliding_window": false, "sliding_window": 32768, "tie_word_embeddings": true }),
    );
    assert!(!qwen2.qk_norm() && qwen2.qkv_bias && !qwen2.output_bias && qwen2.tied_head);

    let qwen3 =
        read("qwen3", json!({ "head_dim": 16, "attention_bias": true, "sliding_window": Value::Null }));
    assert!(qwen3.qk_norm() && qwen3.qkv_bias && qwen3.output_bias);
    assert_eq!(qwen3.head_dim, 16);

    assert_eq!(read("llama", json!({ "num_key_value_heads": Value::Null })).num_kv_heads, 4);
}

#[test]
fn reads_the_rotary_base_from_either_place() {
    let theta = |changes| Config::from_json(&text("qwen3", changes)).map(|config| config.rope_theta);
    assert_eq!(theta(json!({ "rope_theta": 1_000_000 })).unwrap(), 1e6);
    assert_eq!(
        theta(json!({ "rope_parameters": { "rope_theta": 5e5, "rope_type": "default" } })).unwrap(),
        5e5
    );
    assert_eq!(theta(json!({ "rope_theta": 5e5, "rope_parameters": { "rope_theta": 5e5 } })).unwrap(), 5e5);
    assert_eq!(theta(json!({ "rope_theta": 5e5, "rope_scaling": { "type": "default" } })).unwrap(), 5e5);
    assert!(matches!(
        theta(json!({ "rope_theta": 1e4, "rope_parameters": { "rope_theta": 5e5 } })),
        Err(LmError::ConfigValue { field: "rope_theta", .. })
    ));
}

#[test]
fn reads_end_tokens_as_one_several_or_none() {
    let ends = |changes| Config::from_json(&text("llama", changes)).map(|config| config.eos_token_ids);
    assert_eq!(ends(json!({ "eos_token_id": 3 })).unwrap(), [3]);
    assert_eq!(ends(json!({ "eos_token_id": [3, 4] })).unwrap(), [3, 4]);
    assert_eq!(ends(json!({})).unwrap(), [0; 0]);
    assert!(ends(json!({ "eos_token_id": "</s>" })).is_err());
    assert!(ends(json!({ "eos_token_id": 50 })).is_err());
}

#[test]
fn refuses_what_it_would_compute_wrongly_and_names_the_field() {
    let unsupported = [
        ("model_type", json!({ "model_type": "gemma" })),
        ("hidden_act", json!({ "hidden_act": "gelu" })),
        ("mlp_bias", json!({ "mlp_bias": true })),
        ("use_sliding_window", json!({ "use_sliding_window": true })),
        ("layer_types", json!({ "layer_types": ["full_attention", "sliding_attention"] })),
        ("attention_dropout", json!({ "attention_dropout": 0.1 })),
        ("quantization_config", json!({ "quantization_config": { "bits": 4 } })),
        ("rope_scaling", json!({ "rope_scaling": { "rope_type": "dynamic", "factor": 8.0 } })),
        ("rope_scaling", json!({ "rope_scaling": { "rope_type": "longrope", "short_factor": [1.0] } })),
        ("rope_scaling", json!({ "rope_scaling": { "type": "default", "mrope_section": [1, 1, 2] } })),
        ("rope_scaling", json!({ "rope_scaling": { "type": "linear", "rope_type": "yarn", "factor": 2.0 } })),
        (
            "rope_parameters",
            json!({ "rope_parameters": { "rope_theta": 1e4, "partial_rotary_factor": 0.5 } }),
        ),
    ];
    for (name, changes) in unsupported {
        let error = Config::from_json(&text("llama", changes)).unwrap_err();
        assert!(matches!(&error, LmError::Unsupported { field, .. } if *field == name), "{name}: {error}");
        assert_eq!(error.class(), ErrorClass::User);
        assert!(error.remedy().is_some());
    }
    let impossible = [
        ("vocab_size", json!({ "vocab_size": Value::Null })),
        ("num_hidden_layers", json!({ "num_hidden_layers": 0 })),
        ("num_attention_heads", json!({ "num_attention_heads": 0 })),
        ("num_key_value_heads", json!({ "num_key_value_heads": 3 })),
        ("head_dim", json!({ "head_dim": 7 })),
        ("rope_theta", json!({ "rope_theta": -1.0 })),
        ("rope_parameters.rope_theta", json!({ "rope_parameters": { "rope_theta": "big" } })),
        ("rms_norm_eps", json!({ "rms_norm_eps": 0.0 })),
        ("rope_scaling", json!({ "rope_scaling": { "rope_type": "llama3", "factor": 8.0 } })),
        ("rope_scaling", json!({ "rope_scaling": { "type": "linear", "factor": 0.5 } })),
        ("rope_parameters", json!({ "rope_parameters": { "rope_theta": 1e4, "rope_type": "yarn" } })),
        (
            "rope_scaling",
            json!({ "rope_scaling": { "type": "linear", "factor": 2.0 },
                    "rope_parameters": { "rope_type": "linear", "factor": 3.0, "rope_theta": 1e4 } }),
        ),
    ];
    for (name, changes) in impossible {
        let error = Config::from_json(&text("qwen3", changes)).unwrap_err();
        assert!(matches!(&error, LmError::ConfigValue { field, .. } if *field == name), "{name}: {error}");
    }
    for broken in ["", "{", r#"{ "vocab_size": "many" }"#, r#"{ "num_key_value_heads": -1 }"#] {
        assert!(matches!(Config::from_json(broken), Err(LmError::ConfigSyntax { .. })), "{broken}");
    }
}

#[test]
fn writes_what_it_reads() {
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let mut config = support::config(family);
        for ends in [vec![], vec![2], vec![2, 5]] {
            config.eos_token_ids = ends;
            config.bos_token_id = config.eos_token_ids.first().copied();
            assert_eq!(Config::from_json(&config.to_json()).unwrap(), config);
        }
    }
    let biased = Config { qkv_bias: true, output_bias: true, ..support::config(Family::Qwen3) };
    assert_eq!(Config::from_json(&biased.to_json()).unwrap(), biased);
}

#[test]
fn counts_parameters_with_a_tied_head_once() {
    let tied = Config { tied_head: true, ..support::config(Family::Llama) };
    let untied = Config { tied_head: false, ..tied.clone() };
    assert_eq!(untied.num_parameters() - tied.num_parameters(), tied.vocab_size * tied.hidden_size);
}
