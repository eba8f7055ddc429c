//! Answers of the two kinds of servers.

use std::sync::Arc;

use assay_fetch::Server;
use assay_lm::{Endpoint, Part, Served, ServerKind};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::serving::{Asked, Listening, Reply, serve};

pub(crate) fn ok(document: &Value) -> Reply {
    Reply::Answer(200, &[], document.to_string())
}

/// Its tokenizer: a token a character, and one for `<|end|>`.
fn tokenised(text: &str) -> Value {
    let tokens: Vec<u32> = text.replace("<|end|>", "\u{1}").chars().map(u32::from).collect();
    json!({ "tokens": tokens })
}

/// A server of llama.cpp that has the model `m`.
pub(crate) fn llama_cpp(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Listening {
    serve(move |asked, _| match asked.path.as_str() {
        "/v1/models" => ok(&json!({ "object": "list", "data": [{
            "id": "/models/m-Q4_1.gguf", "aliases": ["m"], "owned_by": "llamacpp",
            "meta": { "vocab_type": 2, "n_vocab": 49152, "n_ctx": 2048, "n_params": 134515008, "size": 96576768, "ftype": "Q4_1" },
        }] })),
        "/props" => ok(&json!({
            "default_generation_settings": { "n_ctx": 2048 }, "total_slots": 2, "eos_token": "<|im_end|>",
            "build_info": "b6700-abc", "model_path": "/models/m-Q4_1.gguf",
        })),
        "/tokenize" => ok(&tokenised(asked.body["content"].as_str().unwrap())),
        _ => answer(asked),
    })
}

/// A server of vLLM that has the model `m`.
pub(crate) fn vllm(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Listening {
    serve(move |asked, _| match asked.path.as_str() {
        "/version" => ok(&json!({ "version": "0.32.0" })),
        "/v1/models" => ok(&json!({ "object": "list", "data": [{
            "id": "m", "owned_by": "vllm", "root": "maker/model", "max_model_len": 512,
        }] })),
        "/tokenize" => ok(&tokenised(asked.body["prompt"].as_str().unwrap())),
        _ => answer(asked),
    })
}

/// A completion of so many tokens as llama.cpp gives it.
pub(crate) fn completed(content: &str, tokens: u64, stop_type: &str, stopping_word: &str) -> Value {
    json!({
        "content": content, "stop": true, "tokens_predicted": tokens, "tokens_evaluated": 4,
        "truncated": false, "stop_type": stop_type, "stopping_word": stopping_word,
    })
}

/// The server as the product has it, and a folder in which its model is recorded.
pub(crate) struct World {
    pub(crate) folder: Utf8PathBuf,
    pub(crate) kind: ServerKind,
    pub(crate) servers: Arc<[Server]>,
    _kept: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(kind: ServerKind, listening: &Listening) -> Self {
        let servers: Arc<[Server]> = [Server::new(&listening.address, None).unwrap()].into();
        let kept = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(kept.path()).unwrap().to_owned();
        Served::ask(&servers, kind, "m", &|| false).unwrap().save(&folder).unwrap();
        Self { folder, kind, servers, _kept: kept }
    }

    pub(crate) fn open(&self) -> assay_lm::Result<Endpoint> {
        Endpoint::open(&self.folder, self.kind, &self.servers, &[], &|| false)
    }
}

pub(crate) fn part(text: &str) -> Part<'_> {
    Part { text, loss: false }
}

pub(crate) fn loss(text: &str) -> Part<'_> {
    Part { text, loss: true }
}

/// What was asked at a path.
pub(crate) fn at(listening: &Listening, path: &str) -> Vec<Value> {
    let asked = listening.asked.lock().unwrap();
    asked.iter().filter(|asked| asked.path == path).map(|asked| asked.body.clone()).collect()
}
