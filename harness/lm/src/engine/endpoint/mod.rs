//! The engine that asks a server.
//!
//! A model folder of this engine holds no weights, but what a server said of the model that it serves: a [`Served`]. An
//! [`Endpoint`] has the server tokenise each part of a text on its own, as this crate does, and asks for one completion a
//! request, each with a seed of its own. Its results are equal in distribution only: what else a server computes at the same
//! time changes last bits, and so, now and then, a token.

mod error;
mod llama_cpp;
mod many;
mod protocol;
mod served;
mod vllm;

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use assay_fetch::{HttpError, Server};
use assay_store::Hasher;
use camino::Utf8Path;
use serde_json::Value;

use super::{Capabilities, Completion, Engine, EngineKind, Generator, Request, Sampling, Scorer};
use crate::error::{LmError, Result};
use crate::score::Scored;
use crate::text::{Part, scored};

pub use error::EndpointError;
use protocol::{Asked, Protocol, Question, Read};
use served::Found;
pub use served::{Served, ServerKind};

/// The version of what servers are asked. Raise it whenever the same request of a step may be put to a server in other
/// words, or its answer be read in another way.
const VERSION: u32 = 1;

/// The kind of [`Endpoint`]: what the servers are, and where one may be found that serves a model.
#[derive(Clone, Debug)]
pub struct EndpointKind {
    /// What the servers are.
    pub server: ServerKind,
    /// Where they are, in the order in which they are asked for a model.
    pub servers: Arc<[Server]>,
}

impl EngineKind for EndpointKind {
    fn name(&self) -> &'static str {
        "endpoint"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { generate: true, score: self.server.protocol().scores(), choose: false }
    }

    fn identity(&self) -> String {
        // The version of the server is in the model's folder.
        format!("endpoint {VERSION}, {}", self.server)
    }

    fn requires(&self, _: &Utf8Path, _: &[String]) -> Result<()> {
        // The server alone has the tokenizer, and what is remembered needs no server: it is checked when one is opened.
        Ok(())
    }

    fn open(
        &self,
        folder: &Utf8Path,
        specials: &[String],
        stopped: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Engine>> {
        Ok(Box::new(Endpoint::open(folder, self.server, &self.servers, specials, stopped)?))
    }
}

/// The tokens of texts.
type Known<'t> = HashMap<&'t str, Arc<[u32]>>;

/// A model behind a server. It generates, and scores where the server gives log-probabilities of prompts.
#[derive(Debug)]
pub struct Endpoint {
    protocol: &'static dyn Protocol,
    found: Arc<Found>,
}

impl Endpoint {
    /// The model of a folder, which one of the servers must serve as it did when the folder was made. Each of the texts
    /// `specials` must be one token of it.
    ///
    /// # Errors
    /// The folder holds no [`Served`]; no server is given, none serves the model, or one serves another model of that name;
    /// a text is not one token; the server fails; `stopped` said so.
    pub fn open(
        folder: &Utf8Path,
        kind: ServerKind,
        servers: &[Server],
        specials: &[String],
        stopped: &dyn Fn() -> bool,
    ) -> Result<Self> {
        let recorded = Served::load(folder)?;
        let found = served::find(servers, kind, &recorded.name, stopped)?;
        if found.served != recorded {
            let (address, found) = (found.server.address().to_owned(), Box::new(found.served));
            return Err(EndpointError::OtherModel { address, recorded: Box::new(recorded), found }.into());
        }
        let engine = Self { protocol: kind.protocol(), found: Arc::new(found) };
        let ControlFlow::Continue(tokens) = engine.tokens_of(specials.to_vec(), stopped)? else {
            return Err(EndpointError::from(HttpError::Stopped).into());
        };
        match specials.iter().zip(&tokens).find(|(_, tokens)| tokens.len() != 1) {
            None => Ok(engine),
            Some((special, _)) => {
                let tokenizer = format!("{} at {}", recorded.name, engine.found.server.address()).into();
                Err(LmError::MissingSpecial { token: special.clone(), tokenizer })
            }
        }
    }

    /// Puts questions to the server, many at a time, and reads its answers as they come.
    fn ask<T: Send + 'static>(
        &self,
        count: usize,
        question: impl Fn(usize) -> Question + Send + Sync + 'static,
        read: impl Fn(usize, &Value) -> Read<T> + Send + Sync + 'static,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, T) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let Found { server, in_flight, .. } = &*self.found;
        many::ask(server, *in_flight, count, question, read, stopped, tell)
    }

    /// The tokens of each text.
    fn tokens_of(
        &self,
        texts: Vec<String>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<ControlFlow<(), Vec<Vec<u32>>>> {
        let mut tokens = vec![Vec::new(); texts.len()];
        let (protocol, found, count) = (self.protocol, Arc::clone(&self.found), texts.len());
        let question = move |index: usize| protocol.tokenise(&found.id, &texts[index]);
        let read = |_: usize, answer: &Value| protocol::tokens(answer);
        let flow = self.ask(count, question, read, stopped, &mut |index, ids| {
            tokens[index] = ids;
            ControlFlow::Continue(())
        })?;
        Ok(flow.map_continue(|()| tokens))
    }

    /// The tokens of each text that occurs, which is tokenised once.
    fn known<'t>(
        &self,
        occurring: impl Iterator<Item = &'t str>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<ControlFlow<(), Known<'t>>> {
        let texts: BTreeSet<&str> = occurring.collect();
        let tokens = self.tokens_of(texts.iter().map(|text| (*text).to_owned()).collect(), stopped)?;
        Ok(tokens.map_continue(|tokens| texts.into_iter().zip(tokens.into_iter().map(Arc::from)).collect()))
    }

    /// Refuses what the server could only cut.
    fn check_length(&self, index: usize, prompt: usize, new: usize) -> Result<()> {
        let Found { context, server, .. } = &*self.found;
        if prompt == 0 {
            return Err(LmError::EmptyPrompt { index });
        }
        if prompt.saturating_add(new) > *context {
            let address = server.address().to_owned();
            return Err(EndpointError::TooLong { index, prompt, new, context: *context, address }.into());
        }
        Ok(())
    }
}

impl Engine for Endpoint {
    fn generator(&self) -> Option<&dyn Generator> {
        Some(self)
    }

    fn scorer(&self) -> Option<&dyn Scorer> {
        self.protocol.scores().then_some(self)
    }
}

impl Generator for Endpoint {
    fn generate(
        &self,
        requests: &[Request<'_>],
        sampling: &Sampling,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Completion) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let texts = requests.iter().flat_map(|request| request.prompt.iter().map(|part| part.text));
        let texts = texts.chain(sampling.stop.iter().map(String::as_str));
        let ControlFlow::Continue(known) = self.known(texts, stopped)? else {
            return Ok(ControlFlow::Break(()));
        };
        // Prompts share the tokens of their parts: samples of one prompt, and its head, are many.
        let mut prompts: Vec<(Vec<Arc<[u32]>>, u32)> = Vec::with_capacity(requests.len());
        for (index, request) in requests.iter().enumerate() {
            let parts: Vec<Arc<[u32]>> =
                request.prompt.iter().map(|part| Arc::clone(&known[part.text])).collect();
            self.check_length(index, parts.iter().map(|part| part.len()).sum(), sampling.max_new_tokens)?;
            prompts.push((parts, seed(sampling.seed, request)));
        }
        let of_token = |stop: &String| match *known[stop.as_str()] {
            [token] => Some((token, stop.clone())),
            _ => None,
        };
        let asked = Arc::new(Asked {
            sampling: sampling.clone(),
            stop_tokens: sampling.stop.iter().filter_map(of_token).collect(),
        });
        let (protocol, found) = (self.protocol, Arc::clone(&self.found));
        let question = {
            let (found, asked) = (Arc::clone(&found), Arc::clone(&asked));
            move |index: usize| {
                let (prompt, seed) = &prompts[index];
                protocol.complete(&found.id, &prompt.concat(), &asked.sampling, *seed)
            }
        };
        let read = move |_: usize, answer: &Value| protocol.completion(&found, &asked, answer);
        self.ask(requests.len(), question, read, stopped, tell)
    }
}

/// The seed of one completion. Completions of one prompt differ by their index; those of different prompts must not be
/// drawn by the same noise. Below 2^31, since servers differ in the width of theirs.
fn seed(seed: u64, request: &Request<'_>) -> u32 {
    let mut hasher = Hasher::new("assay endpoint seed 1");
    hasher.u64("seed", seed).u64("index", request.index).list_len("prompt", request.prompt.len());
    request.prompt.iter().for_each(|part| _ = hasher.str("", part.text));
    let [a, b, c, d, ..] = *hasher.finish().as_bytes();
    u32::from_le_bytes([a, b, c, d]) >> 1
}

impl Scorer for Endpoint {
    fn score(
        &self,
        rows: &[Vec<Part<'_>>],
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Vec<f32>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let texts = rows.iter().flatten().map(|part| part.text);
        let ControlFlow::Continue(known) = self.known(texts, stopped)? else {
            return Ok(ControlFlow::Break(()));
        };
        let mut scored_rows = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let row = scored(row, |text| Ok(known[text].to_vec())).map_err(LmError::at("row", index))?;
            // The server writes one token, which nobody reads: it takes no request without.
            self.check_length(index, row.tokens.len(), 1)?;
            scored_rows.push(row);
        }
        let scored_rows: Arc<[Scored]> = scored_rows.into();
        let (protocol, found, asked) = (self.protocol, Arc::clone(&self.found), Arc::clone(&scored_rows));
        let question = move |index: usize| protocol.score(&found.id, &asked[index].tokens);
        let read = move |index: usize, answer: &Value| {
            let Scored { tokens, range } = &scored_rows[index];
            // There is none of the first token, which nothing precedes.
            let all = protocol.log_probs(tokens, answer)?;
            Ok(if range.is_empty() { Vec::new() } else { all[range.start - 1..range.end - 1].to_vec() })
        };
        self.ask(rows.len(), question, read, stopped, tell)
    }
}
