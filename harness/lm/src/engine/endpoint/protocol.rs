//! What is asked of a server, and how its answers are read: the same for all kinds.

use std::fmt::Debug;

use assay_fetch::Server;
use serde_json::Value;

use super::error::EndpointError;
use super::served::Found;
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

    /// Reads the tokens of a text.
    fn tokens(&self, answer: &Value) -> Read<Vec<u32>> {
        let tokens = answer["tokens"].as_array().ok_or("it has no list `tokens`")?;
        let ids = tokens.iter().map(|token| token.as_u64().and_then(|id| u32::try_from(id).ok()));
        ids.collect::<Option<_>>()
            .ok_or_else(|| "`tokens` holds something that is no token's number".to_owned())
    }

    /// Asks for one completion of a prompt.
    fn complete(&self, id: &str, prompt: &[u32], sampling: &Sampling, seed: u32) -> Question;

    /// Reads a completion.
    fn completion(&self, found: &Found, answer: &Value) -> Read<Completion>;

    /// Asks for the log-probabilities of given tokens.
    fn score(&self, id: &str, tokens: &[u32]) -> Question;

    /// Reads the log-probability of each token but the first, given those before it, in nats. Every token must have come
    /// back: servers exist that ignore what they are asked for.
    fn log_probs(&self, tokens: &[u32], answer: &Value) -> Read<Vec<f32>>;
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
