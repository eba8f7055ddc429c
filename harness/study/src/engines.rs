//! Engines as the steps use them: a step opens one for its model, and the memo keeps each result under
//! everything that determines it.
//!
//! A completion is a function of the engine's identity, the model's bytes, the prompt, the sampling settings,
//! the seed and the index; its batch and the number of threads do not matter. So a run that was killed while
//! sampling goes on where it stopped, and a larger run takes over the completions of a smaller one. The same
//! holds for scores.

use std::ops::ControlFlow;

use assay_data::{Dialect, Segment};
use assay_flow::{ParamError, StepContext, StepError};
use assay_lm::engine::{
    Candle, Capabilities, Chooser, Completion, Engine, Generator, Request, Sampling, Scorer,
};
use assay_lm::{Part, Placement};
use assay_store::{Hash, Hasher, StoreError, memo::memoized};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::steps::kind::{in_pool, lm, within};

/// Which engine a step uses and where it computes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineParams {
    kind: EngineKind,
    /// Where `candle` computes: device, float type, kernels.
    placement: Placement,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum EngineKind {
    /// The decoder of this program.
    Candle,
}

impl EngineKind {
    /// As in `kind = ".."`.
    fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
        }
    }

    fn capabilities(self) -> Capabilities {
        match self {
            Self::Candle => Capabilities { generate: true, score: true, choose: true },
        }
    }
}

impl EngineParams {
    /// Refuses an engine that cannot do what a step needs of it.
    pub(crate) fn check(&self, need: &str, can: impl Fn(Capabilities) -> bool) -> Result<(), ParamError> {
        if !can(self.kind.capabilities()) {
            let message = format!("`{}` cannot {need}, which this step needs", self.kind.name());
            return Err(ParamError::new("engine.kind", message));
        }
        self.placement.check().map_err(|error| ParamError::new("engine.placement", error.to_string()))
    }

    /// Where it computes.
    pub(crate) fn placement(&self) -> &Placement {
        &self.placement
    }
}

/// How tokens are drawn, as a scale gives it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplingParams {
    /// Divides the logits; 0 takes the likeliest token.
    temperature: f64,
    /// Share of probability, above 0 and at most 1, that the likeliest tokens must reach; others are never
    /// drawn.
    top_p: f64,
    /// The most tokens of a completion.
    max_new_tokens: usize,
}

impl SamplingParams {
    /// Refuses settings with which nothing can be drawn.
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        within(&[
            ("temperature", self.temperature, 0.0..=f64::INFINITY),
            ("top_p", self.top_p, f64::MIN_POSITIVE..=1.0),
            ("max_new_tokens", self.max_new_tokens as f64, 1.0..=f64::INFINITY),
        ])
        .map_err(|error| error.under("sampling"))
    }

    /// With what ends a completion in a dialect.
    pub(crate) fn sampling(&self, seed: u64, dialect: &Dialect, stop: Vec<String>) -> Sampling {
        let Self { temperature, top_p, max_new_tokens } = *self;
        let ignore_eos = dialect.ignores_end_of_sequence();
        Sampling { temperature, top_p, max_new_tokens, stop, ignore_eos, seed }
    }
}

/// A prompt, which all of its samples share, and which of them is wanted.
pub(crate) struct Wanted<'p> {
    pub(crate) prompt: &'p [Segment],
    pub(crate) index: u32,
}

/// A step's model behind an engine.
pub(crate) struct Model {
    engine: Candle,
    /// Engine and model: the part of every key that all results share.
    identity: Hash,
}

impl Model {
    /// Opens the model connected to an input. The tokenizer must have the special tokens `required`.
    pub(crate) fn open(
        context: &StepContext<'_>,
        input: &str,
        params: &EngineParams,
        required: &[String],
    ) -> Result<Self, StepError> {
        let artifact = context.input(input)?;
        let engine = match params.kind {
            EngineKind::Candle => Candle::open(&artifact.path, &params.placement).map_err(lm)?,
        };
        engine.requires(required).map_err(lm)?;
        let mut hasher = Hasher::new("assay engine and model 1");
        hasher.str("engine", &engine.identity()).hash("model", &artifact.hash);
        Ok(Self { engine, identity: hasher.finish() })
    }

    /// A completion for each prompt, in order.
    pub(crate) fn generate(
        &self,
        context: &StepContext<'_>,
        sampling: &Sampling,
        wanted: &[Wanted<'_>],
    ) -> Result<Vec<Completion>, StepError> {
        let shared = self.sampling_key(sampling);
        let keys: Vec<Hash> = wanted.iter().map(|one| completion_key(&shared, one)).collect();
        memoized(context.store(), &keys, |missing, keeper| {
            let requests: Vec<Request<'_>> = missing
                .iter()
                .map(|at| &wanted[*at])
                .map(|one| Request { prompt: parts(one.prompt), index: u64::from(one.index) })
                .collect();
            let mut work = Work::new(context, keys.len(), missing.len(), "completions");
            let flow = in_pool(context, || {
                self.engine
                    .generate(&requests, sampling, &|| context.cancelled(), &mut |at, completion| {
                        work.done(keeper.keep(missing[at], completion))
                    })
                    .map_err(lm)
            });
            work.finish(flow)
        })
    }

    /// For each row, the log-probabilities of the tokens of its loss segments, in nats.
    pub(crate) fn score(
        &self,
        context: &StepContext<'_>,
        what: &str,
        rows: &[Vec<Segment>],
    ) -> Result<Vec<Vec<f32>>, StepError> {
        let keys: Vec<Hash> = rows.iter().map(|row| self.score_key(row)).collect();
        memoized(context.store(), &keys, |missing, keeper| {
            let rows: Vec<Vec<Part<'_>>> = missing.iter().map(|at| parts(&rows[*at])).collect();
            let mut work = Work::new(context, keys.len(), missing.len(), what);
            let flow = in_pool(context, || {
                self.engine
                    .score(&rows, &|| context.cancelled(), &mut |at, scores| {
                        work.done(keeper.keep(missing[at], scores))
                    })
                    .map_err(lm)
            });
            work.finish(flow)
        })
    }

    /// For each prompt, the index of the option that is its likeliest continuation.
    pub(crate) fn choose(
        &self,
        context: &StepContext<'_>,
        prompts: &[Vec<Segment>],
        options: &[&str],
    ) -> Result<Vec<usize>, StepError> {
        let prompts: Vec<Vec<Part<'_>>> = prompts.iter().map(|prompt| parts(prompt)).collect();
        in_pool(context, || self.engine.choose(&prompts, options).map_err(lm))
    }

    fn sampling_key(&self, sampling: &Sampling) -> Hash {
        let mut hasher = Hasher::new("assay completions 1");
        hasher
            .hash("identity", &self.identity)
            .f64("temperature", sampling.temperature)
            .f64("top_p", sampling.top_p)
            .u64("max_new_tokens", sampling.max_new_tokens as u64)
            .bool("ignore_eos", sampling.ignore_eos)
            .u64("seed", sampling.seed)
            .list_len("stop", sampling.stop.len());
        sampling.stop.iter().for_each(|stop| _ = hasher.str("", stop));
        hasher.finish()
    }

    fn score_key(&self, row: &[Segment]) -> Hash {
        let mut hasher = Hasher::new("assay score 1");
        hasher.hash("identity", &self.identity);
        add_segments(&mut hasher, row);
        hasher.finish()
    }
}

fn completion_key(shared: &Hash, wanted: &Wanted<'_>) -> Hash {
    let mut hasher = Hasher::new("assay completion 1");
    hasher.hash("shared", shared).u64("index", u64::from(wanted.index));
    add_segments(&mut hasher, wanted.prompt);
    hasher.finish()
}

fn add_segments(hasher: &mut Hasher, segments: &[Segment]) {
    hasher.list_len("segments", segments.len());
    for Segment { text, loss } in segments {
        hasher.str("text", text).bool("loss", *loss);
    }
}

fn parts(segments: &[Segment]) -> Vec<Part<'_>> {
    segments.iter().map(|Segment { text, loss }| Part { text, loss: *loss }).collect()
}

/// Counts what is done, and remembers why the store refused a result.
struct Work<'a, 'c> {
    context: &'a StepContext<'c>,
    done: usize,
    total: usize,
    what: &'a str,
    failure: Option<StoreError>,
}

impl<'a, 'c> Work<'a, 'c> {
    fn new(context: &'a StepContext<'c>, total: usize, missing: usize, what: &'a str) -> Self {
        Self { context, done: total - missing, total, what, failure: None }
    }

    fn done(&mut self, kept: Result<(), StoreError>) -> ControlFlow<()> {
        self.done += 1;
        self.context.progress(self.done as u64, self.total as u64, self.what);
        match kept {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn finish(self, flow: Result<ControlFlow<()>, StepError>) -> Result<(), StepError> {
        match (flow?, self.failure) {
            (_, Some(error)) => Err(error.into()),
            (ControlFlow::Break(()), None) => Err(StepError::cancelled()),
            (ControlFlow::Continue(()), None) => Ok(()),
        }
    }
}
