//! The shape of a model, read from and written as a Hugging Face `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{LmError, Result};
use crate::rope::RopeScaling;

/// A model family: what `model_type` says, and which switches follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Plain pre-norm decoder; biases only where `attention_bias` says so.
    Llama,
    /// Biases on the query, key and value projections.
    Qwen2,
    /// RMS norms on each head's queries and keys, before the rotation.
    Qwen3,
}

/// The shape of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family, which decides on the norms of queries and keys.
    pub family: Family,
    /// Number of token ids, and of rows of the embedding.
    pub vocab_size: usize,
    /// Width of the hidden state.
    pub hidden_size: usize,
    /// Width of the gated feed-forward layer.
    pub intermediate_size: usize,
    /// Number of decoder layers.
    pub num_layers: usize,
    /// Number of query heads.
    pub num_heads: usize,
    /// Number of key and value heads; divides `num_heads`.
    pub num_kv_heads: usize,
    /// Width of one head; even, and not always `hidden_size / num_heads`.
    pub head_dim: usize,
    /// Longest sequence that the model was made for, in tokens. Recorded, not enforced.
    pub max_positions: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How they are scaled, where the model was made to read longer texts.
    pub rope_scaling: Option<RopeScaling>,
    /// Added to the mean square in each RMS norm.
    pub rms_norm_eps: f64,
    /// Whether the head uses the embedding's weights.
    pub tied_head: bool,
    /// Whether the query, key and value projections have biases.
    pub qkv_bias: bool,
    /// Whether the attention's output projection has a bias.
    pub output_bias: bool,
    /// Token that starts a text, where the model has one.
    pub bos_token_id: Option<u32>,
    /// Tokens that end a text; may be empty.
    pub eos_token_ids: Vec<u32>,
}

/// `config.json` as it lies on disk: the fields that decide what the decoder computes. Others are ignored, as
/// Hugging Face does.
#[derive(Deserialize, Serialize, Default)]
#[serde(default)]
struct HfConfig {
    architectures: Vec<String>,
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: Option<usize>,
    hidden_act: Option<String>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<Value>,
    rope_parameters: Option<Value>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    attention_dropout: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mlp_bias: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_sliding_window: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization_config: Option<Value>,
    bos_token_id: Option<u32>,
    eos_token_id: Value,
    torch_dtype: Option<String>,
}

impl Config {
    /// Reads the text of a `config.json` of model type `llama`, `qwen2` or `qwen3`.
    ///
    /// The rotary base is taken from `rope_theta` or `rope_parameters.rope_theta`, whichever is there.
    /// `sliding_window` is ignored unless `use_sliding_window` is true.
    ///
    /// # Errors
    /// [`LmError::ConfigSyntax`], [`LmError::ConfigValue`] (impossible shape) or [`LmError::Unsupported`] (a
    /// feature that would change what the model computes and that the decoder does not have).
    pub fn from_json(text: &str) -> Result<Self> {
        let raw: HfConfig = serde_json::from_str(text).map_err(|source| LmError::ConfigSyntax { source })?;
        reject_unsupported(&raw)?;
        let family = match raw.model_type.as_str() {
            "llama" => Family::Llama,
            "qwen2" => Family::Qwen2,
            "qwen3" => Family::Qwen3,
            other => return Err(unsupported("model_type", other, "supported: llama, qwen2, qwen3")),
        };
        let attention_bias = raw.attention_bias.unwrap_or(false);
        let max_positions = raw.max_position_embeddings.unwrap_or(2048);
        let config = Self {
            family,
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            num_layers: raw.num_hidden_layers,
            num_heads: raw.num_attention_heads,
            num_kv_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            head_dim: raw
                .head_dim
                .or_else(|| raw.hidden_size.checked_div(raw.num_attention_heads))
                .unwrap_or(0),
            max_positions,
            rope_theta: rope_theta(&raw)?,
            rope_scaling: rope_scaling(&raw, max_positions)?,
            rms_norm_eps: raw.rms_norm_eps.unwrap_or(1e-6),
            tied_head: raw.tie_word_embeddings.unwrap_or(false),
            // Qwen2 has no switch: its three input projections always have biases, its output projection
            // never.
            qkv_bias: family == Family::Qwen2 || attention_bias,
            output_bias: family != Family::Qwen2 && attention_bias,
            bos_token_id: raw.bos_token_id,
            eos_token_ids: token_ids("eos_token_id", &raw.eos_token_id)?,
        };
        config.check()?;
        Ok(config)
    }

    /// The text of a `config.json` that [`from_json`](Self::from_json) reads back to the same value, and that
    /// Hugging Face's readers, before and after their rotary parameters moved, understand.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (model_type, architecture) = match self.family {
            Family::Llama => ("llama", "LlamaForCausalLM"),
            Family::Qwen2 => ("qwen2", "Qwen2ForCausalLM"),
            Family::Qwen3 => ("qwen3", "Qwen3ForCausalLM"),
        };
        let raw = HfConfig {
            architectures: vec![architecture.to_owned()],
            model_type: model_type.to_owned(),
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_layers,
            num_attention_heads: self.num_heads,
            num_key_value_heads: Some(self.num_kv_heads),
            head_dim: Some(self.head_dim),
            max_position_embeddings: Some(self.max_positions),
            hidden_act: Some("silu".to_owned()),
            rms_norm_eps: Some(self.rms_norm_eps),
            rope_theta: Some(self.rope_theta),
            rope_scaling: self.rope_scaling.map(|scaling| Value::Object(scaling.to_json())),
            rope_parameters: Some(self.rope_parameters()),
            tie_word_embeddings: Some(self.tied_head),
            attention_bias: Some(self.qkv_bias),
            attention_dropout: Some(0.0),
            bos_token_id: self.bos_token_id,
            eos_token_id: match self.eos_token_ids.as_slice() {
                [] => Value::Null,
                [one] => Value::from(*one),
                several => Value::from(several),
            },
            torch_dtype: Some("float32".to_owned()),
            ..HfConfig::default()
        };
        // Strings, numbers and lists only: serialising cannot fail, and `Value` prints itself.
        format!("{:#}\n", serde_json::to_value(raw).unwrap_or_default())
    }

    fn rope_parameters(&self) -> Value {
        let scaling = self.rope_scaling.map(RopeScaling::to_json);
        let mut parameters =
            scaling.unwrap_or_else(|| Map::from_iter([("rope_type".to_owned(), "default".into())]));
        parameters.insert("rope_theta".to_owned(), self.rope_theta.into());
        Value::Object(parameters)
    }

    /// Whether each head's queries and keys pass an RMS norm before the rotation.
    #[must_use]
    pub fn qk_norm(&self) -> bool {
        self.family == Family::Qwen3
    }

    /// Query heads per key and value head.
    #[must_use]
    pub fn group_size(&self) -> usize {
        self.num_heads / self.num_kv_heads
    }

    /// Checks that a model of this shape can exist. [`from_json`](Self::from_json) has done so already.
    ///
    /// # Errors
    /// [`LmError::ConfigValue`] naming the first field that is impossible.
    pub fn check(&self) -> Result<()> {
        let fail = |field, problem: String| Err(LmError::ConfigValue { field, problem });
        for (field, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_layers),
            ("num_attention_heads", self.num_heads),
            ("num_key_value_heads", self.num_kv_heads),
            ("head_dim", self.head_dim),
        ] {
            if value == 0 {
                return fail(field, "is missing or 0, but must be positive".to_owned());
            }
        }
        if !self.num_heads.is_multiple_of(self.num_kv_heads) {
            return fail(
                "num_key_value_heads",
                format!("is {}, which does not divide the {} query heads", self.num_kv_heads, self.num_heads),
            );
        }
        if !self.head_dim.is_multiple_of(2) {
            return fail("head_dim", format!("is {}, but the rotation needs an even number", self.head_dim));
        }
        for (field, value) in [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)] {
            if !(value.is_finite() && value > 0.0) {
                return fail(field, format!("is {value}, but must be positive and finite"));
            }
        }
        if let Some(Err(problem)) = self.rope_scaling.map(|scaling| scaling.check()) {
            return fail("rope_scaling", problem);
        }
        if self.family == Family::Qwen2 && (!self.qkv_bias || self.output_bias) {
            return fail(
                "attention_bias",
                "cannot be chosen for qwen2: biases on query, key and value only".to_owned(),
            );
        }
        if self.family != Family::Qwen2 && self.qkv_bias != self.output_bias {
            return fail(
                "attention_bias",
                "switches the biases of all four projections in this family".to_owned(),
            );
        }
        for id in self.eos_token_ids.iter().chain(&self.bos_token_id) {
            if *id as usize >= self.vocab_size {
                return fail(
                    "eos_token_id",
                    format!("or bos_token_id is {id}, outside a vocabulary of {}", self.vocab_size),
                );
            }
        }
        Ok(())
    }
}

fn unsupported(field: &'static str, value: impl Into<Value>, supported: &'static str) -> LmError {
    LmError::Unsupported { field, value: value.into().to_string(), supported }
}

/// Refuses whatever would make the model compute something else than this decoder does.
fn reject_unsupported(raw: &HfConfig) -> Result<()> {
    if let Some(act) = raw.hidden_act.as_deref().filter(|act| *act != "silu") {
        return Err(unsupported("hidden_act", act, "supported: silu"));
    }
    if raw.mlp_bias == Some(true) {
        return Err(unsupported("mlp_bias", true, "feed-forward layers without biases only"));
    }
    if raw.use_sliding_window == Some(true) {
        return Err(unsupported("use_sliding_window", true, "full causal attention only"));
    }
    if let Some(kind) = raw.layer_types.iter().flatten().find(|kind| *kind != "full_attention") {
        return Err(unsupported("layer_types", kind.as_str(), "supported: full_attention"));
    }
    if let Some(rate) = raw.attention_dropout.filter(|rate| *rate != 0.0) {
        return Err(unsupported("attention_dropout", rate, "no dropout"));
    }
    if let Some(quantization) = &raw.quantization_config {
        return Err(unsupported("quantization_config", quantization.clone(), "unquantized weights only"));
    }
    Ok(())
}

/// How rotary frequencies are scaled, as `rope_scaling` or, in newer files, `rope_parameters` says. Where both say something, it
/// must be the same.
fn rope_scaling(raw: &HfConfig, length: usize) -> Result<Option<RopeScaling>> {
    let read = |field, value: &Option<Value>| match value {
        Some(value) => RopeScaling::read(field, value, length),
        None => Ok(None),
    };
    match (read("rope_scaling", &raw.rope_scaling)?, read("rope_parameters", &raw.rope_parameters)?) {
        (Some(one), Some(other)) if one != other => Err(LmError::ConfigValue {
            field: "rope_scaling",
            problem: "differs from rope_parameters".to_owned(),
        }),
        (one, other) => Ok(one.or(other)),
    }
}

fn rope_theta(raw: &HfConfig) -> Result<f64> {
    let nested = match raw.rope_parameters.as_ref().and_then(|parameters| parameters.get("rope_theta")) {
        None => None,
        Some(value) => Some(value.as_f64().ok_or_else(|| LmError::ConfigValue {
            field: "rope_parameters.rope_theta",
            problem: format!("is {value}, but must be a number"),
        })?),
    };
    match (raw.rope_theta, nested) {
        (Some(top), Some(nested)) if top != nested => Err(LmError::ConfigValue {
            field: "rope_theta",
            problem: format!("is {top}, but rope_parameters.rope_theta is {nested}"),
        }),
        (top, nested) => Ok(nested.or(top).unwrap_or(10_000.0)),
    }
}

/// One token id, a list of them, or null.
pub(crate) fn token_ids(field: &'static str, value: &Value) -> Result<Vec<u32>> {
    let id = |value: &Value| {
        value.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| LmError::ConfigValue {
            field,
            problem: format!("is {value}, but must be a token id, a list of them, or null"),
        })
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.iter().map(id).collect(),
        one => Ok(vec![id(one)?]),
    }
}
