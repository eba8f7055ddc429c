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

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use assay_fetch::Server;
use assay_store::Hasher;
use camino::Utf8Path;
use serde_json::Value;

use super::{Capabilities, Completion, Engine, EngineKind, Generator, Request, Sampling, Scorer};
use crate::error::{LmError, Result};
use crate::score::Scored;
use crate::text::{Part, scored};

pub use error::EndpointError;
use protocol::{Protocol, Question, Read, unusable};
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

    fn open(&self, folder: &Utf8Path, specials: &[String]) -> Result<Box<dyn Engine>> {
        Ok(Box::new(Endpoint::open(folder, self.server, &self.servers, specials)?))
    }
}

/// A model behind a server. It generates, and scores where the server gives log-probabilities of prompts.
#[derive(Debug)]
pub struct Endpoint {
    protocol: &'static dyn Protocol,
    found: Found,
}

impl Endpoint {
    /// The model of a folder, which one of the servers must serve as it did when the folder was made. Each of the texts
    /// `specials` must be one token of it.
    ///
    /// # Errors
    /// The folder holds no [`Served`]; no server is given, none serves the model, or one serves another model of that name;
    /// a text is not one token; the server fails.
    pub fn open(
        folder: &Utf8Path,
        kind: ServerKind,
        servers: &[Server],
        specials: &[String],
    ) -> Result<Self> {
        let recorded = Served::load(folder)?;
        let found = served::find(servers, kind, &recorded.name, &|| false)?;
        if found.served != recorded {
            let (address, found) = (found.server.address().to_owned(), Box::new(found.served));
            return Err(EndpointError::OtherModel { address, recorded: Box::new(recorded), found }.into());
        }
        let engine = Self { protocol: kind.protocol(), found };
        for special in specials {
            let tokens = engine.tokens_of(vec![special.clone()], &|| false)?;
            if tokens.continue_value().is_none_or(|tokens| tokens[0].len() != 1) {
                let tokenizer = format!("{} at {}", recorded.name, engine.found.server.address()).into();
                return Err(LmError::MissingSpecial { token: special.clone(), tokenizer });
            }
        }
        Ok(engine)
    }

    /// Puts questions to the server, many at a time, and reads its answers as they come.
    fn ask<T>(
        &self,
        count: usize,
        question: impl Fn(usize) -> Question + Send + Sync + 'static,
        read: &dyn Fn(usize, &Value) -> Read<T>,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, T) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let Found { server, in_flight, .. } = &self.found;
        many::ask(server, *in_flight, count, question, stopped, &mut |index, path, answer| {
            let answer = read(index, &answer).map_err(unusable(server, path))?;
            Ok(tell(index, answer))
        })
    }

    /// The tokens of each text.
    fn tokens_of(
        &self,
        texts: Vec<String>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<ControlFlow<(), Vec<Vec<u32>>>> {
        let mut tokens = vec![Vec::new(); texts.len()];
        let (protocol, id, count) = (self.protocol, self.found.id.clone(), texts.len());
        let question = move |index: usize| protocol.tokenise(&id, &texts[index]);
        let read = |_: usize, answer: &Value| protocol.tokens(answer);
        let flow = self.ask(count, question, &read, stopped, &mut |index, ids| {
            tokens[index] = ids;
            ControlFlow::Continue(())
        })?;
        Ok(flow.map_continue(|()| tokens))
    }

    /// The tokens of each text that occurs in the rows, which is tokenised once.
    fn known<'t>(
        &self,
        rows: impl Iterator<Item = &'t [Part<'t>]>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<ControlFlow<(), HashMap<&'t str, Vec<u32>>>> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut texts: Vec<String> = Vec::new();
        for part in rows.flatten() {
            places.entry(part.text).or_insert_with(|| {
                texts.push(part.text.to_owned());
                texts.len() - 1
            });
        }
        let tokens = self.tokens_of(texts, stopped)?;
        Ok(tokens.map_continue(|mut tokens| {
            places.into_iter().map(|(text, at)| (text, std::mem::take(&mut tokens[at]))).collect()
        }))
    }

    /// Refuses what the server could only cut.
    fn check_length(&self, index: usize, prompt: usize, new: usize) -> Result<()> {
        let Found { context, server, .. } = &self.found;
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
        let known = self.known(requests.iter().map(|request| request.prompt.as_slice()), stopped)?;
        let ControlFlow::Continue(known) = known else { return Ok(ControlFlow::Break(())) };
        let mut prompts = Vec::with_capacity(requests.len());
        for (index, request) in requests.iter().enumerate() {
            let tokens: Vec<u32> =
                request.prompt.iter().flat_map(|part| &known[part.text]).copied().collect();
            self.check_length(index, tokens.len(), sampling.max_new_tokens)?;
            prompts.push((tokens, seed(sampling.seed, request)));
        }
        let (protocol, id, asked) = (self.protocol, self.found.id.clone(), sampling.clone());
        let question = move |index: usize| {
            let (prompt, seed) = &prompts[index];
            protocol.complete(&id, prompt, &asked, *seed)
        };
        let read = |_: usize, answer: &Value| protocol.completion(&self.found, answer);
        self.ask(requests.len(), question, &read, stopped, tell)
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
        let known = self.known(rows.iter().map(Vec::as_slice), stopped)?;
        let ControlFlow::Continue(known) = known else { return Ok(ControlFlow::Break(())) };
        let mut scored_rows = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let row = scored(row, |text| Ok(known[text].clone())).map_err(LmError::at("row", index))?;
            // The server writes one token, which nobody reads: it takes no request without.
            self.check_length(index, row.tokens.len(), 1)?;
            scored_rows.push(row);
        }
        let scored_rows: Arc<[Scored]> = scored_rows.into();
        let (protocol, id, asked) = (self.protocol, self.found.id.clone(), Arc::clone(&scored_rows));
        let question = move |index: usize| protocol.score(&id, &asked[index].tokens);
        let read = |index: usize, answer: &Value| {
            let Scored { tokens, range } = &scored_rows[index];
            // There is none of the first token, which nothing precedes.
            let all = protocol.log_probs(tokens, answer)?;
            Ok(if range.is_empty() { Vec::new() } else { all[range.start - 1..range.end - 1].to_vec() })
        };
        self.ask(rows.len(), question, &read, stopped, tell)
    }
}
