//! What is asked of a server, and how its answers are read: the same for all kinds.

use std::collections::BTreeMap;
use std::fmt::Debug;

use assay_fetch::{HttpError, Server};
use serde_json::Value;

use super::error::EndpointError;
use super::served::{Found, ServerKind};
use crate::engine::{Completion, Sampling};

/// What is asked: a path and a document.
pub(super) type Question = (&'static str, Value);
/// What was read of an answer, or what is wrong with it.
pub(super) type Read<T> = Result<T, String>;

/// The interface of a kind of server.
pub(super) trait Protocol: Debug + Send + Sync {
    /// A model by its name; or else the names of the models that there are.
    fn find(
        &self,
        server: &Server,
        name: &str,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Result<Found, Vec<String>>, EndpointError>;

    /// Whether log-probabilities of given tokens are to be had.
    fn scores(&self) -> bool;

    /// Asks for the tokens of a text, special tokens in it read as such, and none added.
    fn tokenise(&self, id: &str, text: &str) -> Question;

    /// Asks for one completion of a prompt.
    fn complete(&self, id: &str, prompt: &[u32], sampling: &Sampling, seed: u32) -> Question;

    /// Reads a completion.
    fn completion(&self, found: &Found, asked: &Asked, answer: &Value) -> Read<Completion>;

    /// Asks for the log-probabilities of given tokens.
    fn score(&self, id: &str, tokens: &[u32]) -> Question;

    /// Reads the log-probability of each token but the first, given those before it, in nats. Every token must have come
    /// back: servers exist that ignore what they are asked for.
    fn log_probs(&self, tokens: &[u32], answer: &Value) -> Read<Vec<f32>>;
}

/// What only a server of a kind answers at `path`.
pub(super) fn of_kind(
    server: &Server,
    kind: ServerKind,
    path: &str,
    stopped: &dyn Fn() -> bool,
) -> Result<Value, EndpointError> {
    server.get(path, stopped).map_err(|error| match error {
        HttpError::Refused { status: 404, .. } => {
            let (address, problem) = (server.address().to_owned(), format!("it has no {path}"));
            EndpointError::OtherKind { address, kind, problem }
        }
        error => error.into(),
    })
}

/// Where servers list their models, as OpenAI's interface has it.
pub(super) const MODELS: &str = "/v1/models";

/// The models that a server has.
pub(super) fn models(server: &Server, stopped: &dyn Fn() -> bool) -> Result<Vec<Value>, EndpointError> {
    let mut listed = server.get(MODELS, stopped)?;
    Ok(match listed["data"].take() {
        Value::Array(models) => models,
        _ => Vec::new(),
    })
}

/// What completions were asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) sampling: Sampling,
    /// Those of the stop strings that are one token, by this token.
    pub(super) stop_tokens: BTreeMap<u32, String>,
}

impl Asked {
    /// Refuses a completion that was cut off before it had all the tokens that were allowed.
    pub(super) fn cut_off(&self, tokens: u32) -> Read<()> {
        let most = self.sampling.max_new_tokens;
        match (tokens as usize) < most {
            true => Err(format!(
                "it was cut off after {tokens} tokens, of {most} that were asked for: the server has a limit of its own, or no \
                 room was left"
            )),
            false => Ok(()),
        }
    }
}

/// The tokens of a text, as both kinds of servers give them.
pub(super) fn tokens(answer: &Value) -> Read<Vec<u32>> {
    let tokens = answer["tokens"].as_array().ok_or("it has no list `tokens`")?;
    let ids = tokens.iter().map(|token| token.as_u64().and_then(|id| u32::try_from(id).ok()));
    ids.collect::<Option<_>>().ok_or_else(|| "`tokens` holds something that is no token's number".to_owned())
}

/// The last part of a path: the rest of it is one machine's.
pub(super) fn base_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A text of a document.
pub(super) fn text<'v>(document: &'v Value, key: &str) -> Read<&'v str> {
    document[key].as_str().ok_or_else(|| format!("it has no text `{key}`"))
}

/// A count of a document.
pub(super) fn count(document: &Value, key: &str) -> Read<u64> {
    document[key].as_u64().ok_or_else(|| format!("it has no count `{key}`"))
}

/// Why an answer cannot be used.
pub(super) fn unusable(server: &Server, path: &'static str) -> impl Fn(String) -> EndpointError {
    let address = server.address().to_owned();
    move |problem| EndpointError::Answer { address: address.clone(), path, problem }
}
