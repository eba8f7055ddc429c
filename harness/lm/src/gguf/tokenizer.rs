//! The tokenizer of a GGUF file as a `tokenizer.json`.

use candle_core::quantized::gguf_file::Value;
use serde_json::{Map, Value as Json, json};

use super::metadata::Metadata;
use super::wrong;
use crate::error::Result;
use crate::tokenizer::Tokenizer;

/// Types of tokens: delimiters, and what the model's makers added.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// How Qwen2 and Llama 3 take a text apart, but for the number of digits that stay together.
const WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// The tokenizer, a byte-level BPE.
///
/// # Errors
/// [`LmError::Gguf`](crate::LmError::Gguf): it is of another kind, or incomplete; [`LmError::Tokenizer`](crate::LmError::Tokenizer).
pub(super) fn tokenizer(metadata: &Metadata<'_>) -> Result<Tokenizer> {
    let kind = metadata.text("tokenizer.ggml.model")?;
    if kind != "gpt2" {
        return Err(wrong(metadata.path, format!("its tokenizer is of the kind `{kind}`; supported: gpt2")));
    }
    let text = |value: &Value| value.to_string().ok().cloned();
    let tokens = metadata.list("tokenizer.ggml.tokens", text)?;
    let merges = metadata.list("tokenizer.ggml.merges", text)?;
    let types = metadata.list("tokenizer.ggml.token_type", |value| {
        value.to_i64().ok().or_else(|| value.to_i32().ok().map(i64::from))
    })?;
    if types.len() != tokens.len() {
        let problem = format!("it has {} tokens, and types of {}", tokens.len(), types.len());
        return Err(wrong(metadata.path, problem));
    }
    let (normalizer, pre_tokenizer) = pre_tokenizer(metadata)?;
    let mut vocabulary = Map::new();
    let mut added = Vec::new();
    for (id, (token, kind)) in tokens.iter().zip(types).enumerate() {
        vocabulary.insert(token.clone(), json!(id));
        if matches!(kind, CONTROL | USER_DEFINED) {
            added.push(json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                "special": kind == CONTROL,
            }));
        }
    }
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": null,
        "decoder": byte_level(true),
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": metadata.text("tokenizer.ggml.pre")? == "llama-bpe",
            "vocab": vocabulary, "merges": merges,
        },
    });
    Tokenizer::from_json(file.to_string())
}

fn byte_level(use_regex: bool) -> Json {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex })
}

/// How texts are normalised, and taken apart before tokens are merged.
fn pre_tokenizer(metadata: &Metadata<'_>) -> Result<(Json, Json)> {
    let sequence = |first: Json, use_regex| json!({ "type": "Sequence", "pretokenizers": [first, byte_level(use_regex)] });
    let split = |digits: &str| json!({ "type": "Split", "pattern": { "Regex": WORDS.replace("DIGITS", digits) }, "behavior": "Isolated", "invert": false });
    match metadata.text("tokenizer.ggml.pre")? {
        "smollm" => Ok((Json::Null, sequence(json!({ "type": "Digits", "individual_digits": true }), true))),
        "qwen2" => Ok((json!({ "type": "NFC" }), sequence(split(r"\p{N}"), false))),
        "llama-bpe" => Ok((Json::Null, sequence(split(r"\p{N}{1,3}"), false))),
        other => {
            let problem =
                format!("its texts are taken apart as `{other}`; supported: smollm, qwen2, llama-bpe");
            Err(wrong(metadata.path, problem))
        }
    }
}
