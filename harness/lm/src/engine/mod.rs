//! Engines: text in, text out.
//!
//! An [`EngineKind`] opens models. What its engines can do, and what their results depend on, is known before
//! one is opened. An [`Engine`] runs a model; it gives itself as a [`Generator`], [`Scorer`] or [`Chooser`], as
//! far as its kind can. Prompts, rows, options and stop strings are strings; only the engine deals with tokens.
//! [`Candle`] runs a model folder in this process, and is of the kind [`CandleKind`]; an [`Endpoint`] asks a server, and is
//! of the kind [`EndpointKind`].

mod candle;
mod endpoint;
mod identity;

use std::ops::ControlFlow;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::text::Part;

pub use candle::{Candle, CandleKind};
pub(crate) use candle::{Draw, prompts};
pub use endpoint::{Endpoint, EndpointError, EndpointKind, Served, ServerKind};
pub use identity::{VERSION, instruction_set};

/// How completions are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Divides the logits; at least 0. At 0 the most likely token is taken.
    pub temperature: f64,
    /// Share of probability, in `(0, 1]`, that the most likely tokens must reach; the others are never drawn.
    pub top_p: f64,
    /// Most tokens per completion, at least 1.
    pub max_new_tokens: usize,
    /// Strings that end a completion, wherever tokens begin or end. None may be empty.
    pub stop: Vec<String>,
    /// Whether the model's end-of-sequence tokens are tokens like any other. If not, they end a completion.
    ///
    /// Models that were trained to end their replies with such a token need `false`. `true` is for dialects in
    /// which the token is one delimiter of several and a stop string where it ends something, as in the
    /// embedded one.
    pub ignore_eos: bool,
    /// The seed of all random streams.
    pub seed: u64,
}

/// A completion that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The text to be continued; at least one token. [`Part::loss`] does not matter.
    pub prompt: Vec<Part<'a>>,
    /// Tells completions of the same prompt apart: equal indices give equal completions.
    pub index: u64,
}

/// What a model wrote after a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Completion {
    /// The text before [`stop`](Self::stop), or all of it. Bytes that are no UTF-8, as where the model was cut
    /// off within a character, are U+FFFD.
    pub text: String,
    /// Tokens that the model wrote, those of the stop string included up to the one that completed it.
    pub tokens: u32,
    /// The stop string that ended it, or the text of the end-of-sequence token that did, empty where a server
    /// does not say which; `None` when it was cut off at [`max_new_tokens`](Sampling::max_new_tokens).
    pub stop: Option<String>,
}

/// What the engines of a kind can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// They are [`Generator`]s.
    pub generate: bool,
    /// They are [`Scorer`]s.
    pub score: bool,
    /// They are [`Chooser`]s.
    pub choose: bool,
}

/// A kind of engine with its settings, and how one of its engines is opened.
pub trait EngineKind: Send + Sync {
    /// Its name in recipes, such as `candle`.
    fn name(&self) -> &'static str;

    /// What its engines can do.
    fn capabilities(&self) -> Capabilities;

    /// What, beside the model and the request, results depend on: the engine's name and version, and where it
    /// computes. Belongs in the key of whatever is stored.
    fn identity(&self) -> String;

    /// Checks, as far as the folder says it, that each of these texts, the special tokens that a dialect names, is
    /// one token of the model. A tokenizer without such a token would split its text into several tokens,
    /// without an error.
    ///
    /// # Errors
    /// [`LmError::MissingSpecial`](crate::LmError::MissingSpecial) for the first that is not; the tokenizer
    /// cannot be read.
    fn requires(&self, folder: &Utf8Path, specials: &[String]) -> Result<()>;

    /// Opens a model folder whose model must have these special tokens. `stopped` is asked while something is waited for.
    ///
    /// # Errors
    /// The folder holds no model that the engine can run, or one without a special token; the engine's device or server
    /// cannot be used; `stopped` said so.
    fn open(
        &self,
        folder: &Utf8Path,
        specials: &[String],
        stopped: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Engine>>;
}

/// Something that runs a model.
pub trait Engine: Send + Sync {
    /// Itself, if its kind generates.
    fn generator(&self) -> Option<&dyn Generator> {
        None
    }

    /// Itself, if its kind scores.
    fn scorer(&self) -> Option<&dyn Scorer> {
        None
    }

    /// Itself, if its kind chooses.
    fn chooser(&self) -> Option<&dyn Chooser> {
        None
    }
}

/// An engine that continues texts.
pub trait Generator: Engine {
    /// Continues each prompt until a stop string, an end-of-sequence token or the limit ends it.
    ///
    /// `tell` gets the index of a request and its completion as soon as it is finished. If it breaks off, or
    /// `stopped` is true when asked between two tokens, completions in flight are dropped and the result is
    /// `Break`. A completion depends on its prompt, its index and `sampling` alone.
    ///
    /// # Errors
    /// Impossible settings, texts that cannot be tokenised, and failures of the model or of the engine.
    fn generate(
        &self,
        requests: &[Request<'_>],
        sampling: &Sampling,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Completion) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>>;
}

/// An engine that computes probabilities of given texts.
pub trait Scorer: Engine {
    /// Log-probabilities (nats) of the tokens of the [`loss`](Part::loss) parts of each row, each given all
    /// tokens before it. A row without such tokens has none.
    ///
    /// `tell` gets the index of a row and its log-probabilities as soon as they are known, in no particular
    /// order. If it breaks off, or `stopped` is true when asked in between, the rest is not computed and the
    /// result is `Break`.
    ///
    /// # Errors
    /// Parts with loss that are not side by side or begin the row, texts that cannot be tokenised, and failures
    /// of the engine.
    fn score(
        &self,
        rows: &[Vec<Part<'_>>],
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Vec<f32>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>>;
}

/// An engine that chooses among given continuations.
pub trait Chooser: Engine {
    /// For each prompt, the index of the option that is its likeliest continuation (ties: the first).
    ///
    /// An option is tokenised on its own. If the options differ from each other in the first token that not
    /// all of them share, this token decides; otherwise the sums of the log-probabilities of all tokens from
    /// there on do.
    ///
    /// # Errors
    /// No options, an option that is the beginning of another, texts that cannot be tokenised, and failures of
    /// the model or of the engine.
    fn choose(&self, prompts: &[Vec<Part<'_>>], options: &[&str]) -> Result<Vec<usize>>;
}
