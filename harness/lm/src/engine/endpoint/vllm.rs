//! vLLM's server.

use std::collections::BTreeMap;

use assay_fetch::Server;
use serde_json::{Value, json};

use super::error::EndpointError;
use super::protocol::{
    Asked, MODELS, Protocol, Question, Read, base_name, count, models, of_kind, text, unusable,
};
use super::served::{Found, Served, ServerKind};
use crate::engine::{Completion, Sampling};

/// See vLLM's `docs/serving/openai_compatible_server.md`.
#[derive(Debug)]
pub(super) struct Vllm;

const COMPLETIONS: &str = "/v1/completions";
const VERSION: &str = "/version";

/// Requests in flight: the server batches what it has room for and queues the rest, so it should never run dry.
const IN_FLIGHT: usize = 128;

impl Protocol for Vllm {
    fn find(
        &self,
        server: &Server,
        name: &str,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Result<Found, Vec<String>>, EndpointError> {
        let version = of_kind(server, ServerKind::Vllm, VERSION, stopped)?;
        let version = text(&version, "version").map_err(unusable(server, VERSION))?.to_owned();
        let models = models(server, stopped)?;
        let Some(model) = models.iter().find(|model| model["id"] == name) else {
            return Ok(Err(models
                .iter()
                .filter_map(|model| Some(model["id"].as_str()?.to_owned()))
                .collect()));
        };
        // The weights' name on the hub; of a path, which is one machine's, its last part.
        let root = model["root"].as_str().map(|root| match root.starts_with(['/', '.', '~']) {
            true => base_name(root),
            false => root,
        });
        let details = root.map(|root| ("root".to_owned(), root.to_owned()));
        let read = || -> Read<Found> {
            Ok(Found {
                server: server.clone(),
                served: Served {
                    server: ServerKind::Vllm,
                    version,
                    name: name.to_owned(),
                    details: details.into_iter().collect::<BTreeMap<_, _>>(),
                },
                id: name.to_owned(),
                context: count(model, "max_model_len")? as usize,
                in_flight: IN_FLIGHT,
                // It does not say which token that is.
                end_of_sequence: String::new(),
            })
        };
        read().map(Ok).map_err(unusable(server, MODELS))
    }

    fn scores(&self) -> bool {
        true
    }

    fn tokenise(&self, id: &str, text: &str) -> Question {
        ("/tokenize", json!({ "model": id, "prompt": text, "add_special_tokens": false }))
    }

    fn complete(&self, id: &str, prompt: &[u32], sampling: &Sampling, seed: u32) -> Question {
        let Sampling { temperature, top_p, max_new_tokens, stop, ignore_eos, .. } = sampling;
        let body = json!({
            "model": id,
            "prompt": prompt,
            "max_tokens": max_new_tokens,
            "temperature": temperature,
            "top_p": top_p,
            // Nothing else may change the model's distribution: the server takes defaults from the model's
            // `generation_config.json`.
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "n": 1,
            "seed": seed,
            "stop": stop,
            "ignore_eos": ignore_eos,
            "skip_special_tokens": false,
            "add_special_tokens": false,
            "return_token_ids": true,
        });
        (COMPLETIONS, body)
    }

    fn completion(&self, found: &Found, asked: &Asked, answer: &Value) -> Read<Completion> {
        let choice = choice(answer)?;
        let tokens = count(&answer["usage"], "completion_tokens")? as u32;
        let stop = match (text(choice, "finish_reason")?, &choice["stop_reason"]) {
            ("length", _) => {
                asked.cut_off(tokens)?;
                None
            }
            ("stop", Value::String(stop)) => Some(stop.clone()),
            // A token of its own ends it, of the model (null) or of its settings (a number). If it is one of the stop strings
            // too, this is what ended it for whoever asked.
            ("stop", Value::Null | Value::Number(_)) => {
                let last = choice["token_ids"].as_array().and_then(|ids| ids.last()?.as_u64());
                let stop = last.and_then(|id| asked.stop_tokens.get(&u32::try_from(id).ok()?));
                Some(stop.unwrap_or(&found.end_of_sequence).clone())
            }
            (reason, _) => return Err(format!("it ended for a reason that is not known, `{reason}`")),
        };
        Ok(Completion { text: text(choice, "text")?.to_owned(), tokens, stop })
    }

    fn score(&self, id: &str, tokens: &[u32]) -> Question {
        let body = json!({
            "model": id,
            "prompt": tokens,
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": 0,
            "add_special_tokens": false,
        });
        (COMPLETIONS, body)
    }

    fn log_probs(&self, tokens: &[u32], answer: &Value) -> Read<Vec<f32>> {
        let given = choice(answer)?["prompt_logprobs"].as_array().ok_or("it has no `prompt_logprobs`")?;
        if given.len() != tokens.len() {
            let (given, tokens) = (given.len(), tokens.len());
            return Err(format!("it has log-probabilities of {given} tokens, of {tokens} that were sent"));
        }
        let of = |(token, given): (&u32, &Value)| {
            let value = given[token.to_string()]["logprob"].as_f64();
            value
                .map(|value| value as f32)
                .ok_or_else(|| format!("it has no log-probability of token {token}"))
        };
        tokens.iter().zip(given).skip(1).map(of).collect()
    }
}

/// The only choice of an answer.
fn choice(answer: &Value) -> Read<&Value> {
    match answer["choices"].as_array().map(Vec::as_slice) {
        Some([choice]) => Ok(choice),
        Some(choices) => Err(format!("it has {} choices, not one", choices.len())),
        None => Err("it has no list `choices`".to_owned()),
    }
}
