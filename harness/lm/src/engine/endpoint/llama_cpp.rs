//! The server of llama.cpp, by its own interface: that of OpenAI does not say which stop string ended a completion.

use std::collections::BTreeMap;

use assay_fetch::Server;
use serde_json::{Value, json};

use super::error::EndpointError;
use super::protocol::{Asked, Protocol, Question, Read, base_name, count, models, of_kind, text, unusable};
use super::served::{Found, Served, ServerKind};
use crate::engine::{Completion, Sampling};

/// See `tools/server/README.md` of llama.cpp.
#[derive(Debug)]
pub(super) struct LlamaCpp;

const PROPS: &str = "/props";

impl Protocol for LlamaCpp {
    fn find(
        &self,
        server: &Server,
        name: &str,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Result<Found, Vec<String>>, EndpointError> {
        // It answers when the model is loaded; before that, the list of models lacks what they are.
        let props = of_kind(server, ServerKind::LlamaCpp, PROPS, stopped)?;
        let models = models(server, stopped)?;
        let ours = |model: &&Value| names(model).any(|one| one == name);
        let Some(model) = models.iter().find(ours) else {
            return Ok(Err(models
                .iter()
                .filter_map(|model| names(model).last())
                .map(str::to_owned)
                .collect()));
        };
        let read = || -> Read<Found> {
            let meta = model["meta"].as_object().ok_or("it does not say what the model is (`meta`)")?;
            let described = ["ftype", "n_params", "n_vocab", "size"].into_iter().filter_map(|key| {
                let value = meta.get(key)?;
                let value =
                    value.as_str().map(str::to_owned).or_else(|| Some(value.as_u64()?.to_string()))?;
                Some((key.to_owned(), value))
            });
            let mut details: BTreeMap<String, String> = described.collect();
            if let Some(path) = props["model_path"].as_str() {
                details.insert("file".to_owned(), base_name(path).to_owned());
            }
            let version = text(&props, "build_info")?.to_owned();
            let served = Served { server: ServerKind::LlamaCpp, version, name: name.to_owned(), details };
            Ok(Found {
                server: server.clone(),
                served,
                id: text(model, "id")?.to_owned(),
                // It ends a completion that would fill the context to its last token.
                context: (count(&props["default_generation_settings"], "n_ctx")? as usize).saturating_sub(1),
                in_flight: count(&props, "total_slots")? as usize,
                end_of_sequence: props["eos_token"].as_str().unwrap_or_default().to_owned(),
            })
        };
        read().map(Ok).map_err(unusable(server, PROPS))
    }

    fn scores(&self) -> bool {
        // It takes requests for log-probabilities of prompts, and answers without them.
        false
    }

    fn tokenise(&self, _: &str, text: &str) -> Question {
        ("/tokenize", json!({ "content": text, "add_special": false, "parse_special": true }))
    }

    fn complete(&self, id: &str, prompt: &[u32], sampling: &Sampling, seed: u32) -> Question {
        let Sampling { temperature, top_p, max_new_tokens, stop, ignore_eos, .. } = sampling;
        let body = json!({
            "model": id,
            "prompt": prompt,
            "n_predict": max_new_tokens,
            "temperature": temperature,
            "top_p": top_p,
            // Nothing else may change the model's distribution, whatever the server's own settings are.
            "samplers": ["temperature", "top_p"],
            "dynatemp_range": 0.0,
            "mirostat": 0,
            "grammar": "",
            "seed": seed,
            "stop": stop,
            "ignore_eos": ignore_eos,
            // What is remembered of earlier requests changes last bits.
            "cache_prompt": false,
            "stream": false,
        });
        ("/completion", body)
    }

    fn completion(&self, found: &Found, asked: &Asked, answer: &Value) -> Read<Completion> {
        let tokens = count(answer, "tokens_predicted")? as u32;
        if answer["truncated"].as_bool() == Some(true) {
            return Err("the context was full before the completion ended".to_owned());
        }
        let stop = match text(answer, "stop_type")? {
            "limit" => {
                asked.cut_off(tokens)?;
                None
            }
            "word" => Some(text(answer, "stopping_word")?.to_owned()),
            "eos" => Some(found.end_of_sequence.clone()),
            other => return Err(format!("it ended for a reason that is not known, `{other}`")),
        };
        Ok(Completion { text: text(answer, "content")?.to_owned(), tokens, stop })
    }

    fn score(&self, id: &str, tokens: &[u32]) -> Question {
        ("/completion", json!({ "model": id, "prompt": tokens, "n_predict": 0 }))
    }

    fn log_probs(&self, _: &[u32], _: &Value) -> Read<Vec<f32>> {
        Err("llama.cpp gives no log-probabilities of prompts".to_owned())
    }
}

/// The names by which a model can be asked for. A model without an alias has the path of its file as its name, which is
/// one machine's: the name of the file stands for it.
fn names(model: &Value) -> impl Iterator<Item = &str> {
    let aliases = model["aliases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = std::iter::once(&model["id"]).chain(aliases).filter_map(Value::as_str);
    names.flat_map(|name| [name, base_name(name)])
}
