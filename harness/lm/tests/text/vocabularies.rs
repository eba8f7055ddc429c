//! Small tokenizers for tests.

use std::collections::BTreeMap;

use assay_lm::{Tokenizer, character_tokenizer};
use serde_json::json;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

/// The special tokens of the tokenizers here.
pub(crate) const SPECIALS: [&str; 4] = ["<bos>", "<think>", "</think>", "<eos>"];

/// One token per character.
pub(crate) fn characters() -> Tokenizer {
    Tokenizer::from_json(character_tokenizer(&SPECIALS, "0123456789+-=?ABCD").unwrap()).unwrap()
}

/// Byte-level BPE: the special tokens, the 256 bytes and a few tokens of several bytes.
pub(crate) fn byte_level() -> Tokenizer {
    let merges =
        [("e", "n"), ("en", "d"), ("d", ">"), ("<", "/"), ("|", ">"), ("<", "|"), ("1", "2"), ("1", "3")];
    let mut bytes: Vec<String> = ByteLevel::alphabet().into_iter().map(String::from).collect();
    bytes.sort();
    let tokens = SPECIALS.map(String::from).into_iter().chain(bytes);
    let tokens = tokens.chain(merges.iter().map(|(left, right)| format!("{left}{right}")));
    let level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
    read(&json!({
        "version": "1.0",
        "added_tokens": added(),
        "normalizer": null,
        "pre_tokenizer": level,
        "post_processor": null,
        "decoder": level,
        "model": {
            "type": "BPE",
            "vocab": tokens.zip(0..).collect::<BTreeMap<_, u32>>(),
            "merges": merges.map(|(left, right)| format!("{left} {right}")),
        },
    }))
}

/// A tokenizer in the manner of SentencePiece: `▁` for a space, one of which is stripped from the start of a
/// text, and tokens for bytes.
pub(crate) fn sentence_piece() -> Tokenizer {
    let tokens = ["▁", "a", "b", "<", "|", ">", "é", "▁a", "ab", "b<", "|>", "<0xC3>", "<0xA9>", "<0x62>"];
    let tokens = SPECIALS.into_iter().chain(tokens).map(String::from);
    read(&json!({
        "version": "1.0",
        "added_tokens": added(),
        "normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": "▁" },
        "pre_tokenizer": null,
        "post_processor": null,
        "decoder": { "type": "Sequence", "decoders": [
            { "type": "Replace", "pattern": { "String": "▁" }, "content": " " },
            { "type": "ByteFallback" },
            { "type": "Fuse" },
            { "type": "Strip", "content": " ", "start": 1, "stop": 0 },
        ] },
        "model": {
            "type": "BPE",
            "byte_fallback": true,
            "vocab": tokens.zip(0..).collect::<BTreeMap<_, u32>>(),
            "merges": ["▁ a", "a b", "b <", "| >"],
        },
    }))
}

fn added() -> serde_json::Value {
    let token = |(id, content): (usize, &str)| {
        json!({
            "id": id, "content": content, "special": true,
            "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        })
    };
    SPECIALS.into_iter().enumerate().map(token).collect()
}

fn read(json: &serde_json::Value) -> Tokenizer {
    Tokenizer::from_json(json.to_string()).unwrap()
}
