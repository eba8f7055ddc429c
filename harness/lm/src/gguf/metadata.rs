//! What a GGUF file says of its model.

use std::collections::HashMap;

use camino::Utf8Path;
use candle_core::quantized::gguf_file::Value;

use super::wrong;
use crate::config::{Config, Family};
use crate::error::Result;

/// The file's keys and values.
pub(super) struct Metadata<'f> {
    pub(super) path: &'f Utf8Path,
    pub(super) values: &'f HashMap<String, Value>,
}

impl Metadata<'_> {
    /// The shape of the model. Its tokenizer has `vocab_size` ids.
    pub(super) fn config(&self, vocab_size: usize, tied_head: bool, qkv_bias: bool) -> Result<Config> {
        let architecture = self.text("general.architecture")?;
        let family = match architecture {
            "llama" => Family::Llama,
            "qwen2" => Family::Qwen2,
            "qwen3" => Family::Qwen3,
            other => {
                return Err(wrong(
                    self.path,
                    format!("its architecture is `{other}`; supported: llama, qwen2, qwen3"),
                ));
            }
        };
        let key = |name: &str| format!("{architecture}.{name}");
        self.expect_plain_rotation(architecture)?;
        let size = |name: &str| self.size(&key(name));
        let (hidden_size, num_heads) = (size("embedding_length")?, size("attention.head_count")?);
        let or = |name: &str, default: usize| match self.has(&key(name)) {
            true => size(name),
            false => Ok(default),
        };
        let head_dim = or("attention.key_length", hidden_size.checked_div(num_heads).unwrap_or(0))?;
        let config = Config {
            family,
            vocab_size,
            hidden_size,
            intermediate_size: size("feed_forward_length")?,
            num_layers: size("block_count")?,
            num_heads,
            num_kv_heads: or("attention.head_count_kv", num_heads)?,
            head_dim,
            max_positions: size("context_length")?,
            rope_theta: match self.has(&key("rope.freq_base")) {
                true => self.float(&key("rope.freq_base"))?,
                false => 10_000.0,
            },
            rope_scaling: None,
            rms_norm_eps: self.float(&key("attention.layer_norm_rms_epsilon"))?,
            tied_head,
            qkv_bias,
            output_bias: false,
            bos_token_id: self.id("tokenizer.ggml.bos_token_id")?,
            eos_token_ids: self.ends()?,
        };
        if or("rope.dimension_count", head_dim)? != head_dim {
            return Err(wrong(
                self.path,
                "only a part of each head is rotated, which this decoder does not compute".to_owned(),
            ));
        }
        config.check()?;
        Ok(config)
    }

    fn expect_plain_rotation(&self, architecture: &str) -> Result<()> {
        let key = |name: &str| format!("{architecture}.rope.{name}");
        let kind = key("scaling.type");
        let mut scaled = if self.has(&kind) && self.text(&kind)? != "none" { Some(kind) } else { None };
        // Without a type, a factor scales all the same.
        for factor in [key("scaling.factor"), key("scale_linear")] {
            if self.has(&factor) && ![0.0, 1.0].contains(&self.float(&factor)?) {
                scaled.get_or_insert(factor);
            }
        }
        match scaled {
            None => Ok(()),
            Some(key) => Err(wrong(
                self.path,
                format!("`{key}` scales rotary positions, which is not read from such files"),
            )),
        }
    }

    /// The tokens that end a text, and those that end a turn where these are others.
    fn ends(&self) -> Result<Vec<u32>> {
        let mut ends = Vec::new();
        for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
            ends.extend(self.id(key)?.filter(|id| !ends.contains(id)));
        }
        Ok(ends)
    }

    fn id(&self, key: &str) -> Result<Option<u32>> {
        if self.has(key) { Ok(u32::try_from(self.size(key)?).ok()) } else { Ok(None) }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn text(&self, key: &str) -> Result<&str> {
        match self.values.get(key) {
            Some(Value::String(text)) => Ok(text),
            other => Err(self.not(key, "a text", other)),
        }
    }

    fn size(&self, key: &str) -> Result<usize> {
        let value = self.values.get(key);
        let size = value.and_then(|value| value.to_u64().ok()).and_then(|size| usize::try_from(size).ok());
        size.ok_or_else(|| self.not(key, "a whole number", value))
    }

    /// A number of 32 bits, as the decimal number that it stands for: `1e-5`, not the nearest double to a float.
    fn float(&self, key: &str) -> Result<f64> {
        let value = self.values.get(key);
        let float = value.and_then(|value| value.to_f32().ok());
        let number = float.and_then(|float| float.to_string().parse().ok());
        number.ok_or_else(|| self.not(key, "a number", value))
    }

    pub(super) fn list<T>(&self, key: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>> {
        let value = self.values.get(key);
        let items = value.and_then(|value| value.to_vec().ok());
        let read = items.and_then(|items| items.iter().map(read).collect::<Option<Vec<T>>>());
        read.ok_or_else(|| self.not(key, "a list", value))
    }

    fn not(&self, key: &str, expected: &str, found: Option<&Value>) -> crate::error::LmError {
        let found = match found {
            None => "is missing".to_owned(),
            Some(value) => format!("is of type {:?}", value.value_type()),
        };
        wrong(self.path, format!("`{key}` {found}; expected {expected}"))
    }
}
