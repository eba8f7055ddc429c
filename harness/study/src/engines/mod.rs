//! Engines as the steps use them: a step opens one for its model, and the memo keeps each result under
//! everything that determines it.
//!
//! A completion is a function of the engine's identity, the model's bytes, the prompt, the sampling settings,
//! the seed and the index; its batch and the number of threads do not matter. So a run that was killed while
//! sampling goes on where it stopped, and a larger run takes over the completions of a smaller one. The same
//! holds for scores and choices. A model is loaded when the first result is missing, not before.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use assay_data::Segment;
use assay_flow::{StepContext, StepError};
use assay_lm::Part;
use assay_lm::engine::{Capabilities, Completion, Engine, EngineKind, Request, Sampling};
use assay_store::{Hash, Hasher, StoreError, memo::memoized};
use camino::Utf8PathBuf;

use crate::steps::kind::{in_pool, lm};

mod params;

pub(crate) use params::{EngineParams, SamplingParams, Servers};

/// Prompts whose choices are made together; a run that is stopped loses so many at most.
const CHOSEN_TOGETHER: usize = 256;

/// A prompt, which all of its samples share, and which of them is wanted.
pub(crate) struct Wanted<'p> {
    pub(crate) prompt: &'p [Segment],
    pub(crate) index: u32,
}

/// A step's model behind an engine.
pub(crate) struct Model {
    kind: Box<dyn EngineKind>,
    folder: Utf8PathBuf,
    /// Special tokens that it must have.
    required: Vec<String>,
    /// Empty until a result is missing.
    opened: OnceLock<Box<dyn Engine>>,
    /// Engine and model: the part of every key that all results share.
    identity: Hash,
}

impl Model {
    /// The model connected to an input. Its tokenizer must have the special tokens `required`.
    pub(crate) fn of_input(
        context: &StepContext<'_>,
        input: &str,
        params: &EngineParams,
        servers: &Servers,
        required: &[String],
    ) -> Result<Self, StepError> {
        let artifact = context.input(input)?;
        let kind = params.kind(servers).map_err(|error| StepError::user(error.to_string()))?;
        kind.requires(&artifact.path, required).map_err(lm)?;
        let mut hasher = Hasher::new("assay engine and model 1");
        hasher.str("engine", &kind.identity()).hash("model", &artifact.hash);
        let (folder, required, identity) = (artifact.path.clone(), required.to_vec(), hasher.finish());
        Ok(Self { kind, folder, required, opened: OnceLock::new(), identity })
    }

    /// Refuses what cannot be done, before anything is done. `need` says what needs it, as in `items ... need it`.
    pub(crate) fn needs(&self, need: &str, can: impl Fn(Capabilities) -> bool) -> Result<(), StepError> {
        match can(self.kind.capabilities()) {
            true => Ok(()),
            false => Err(StepError::user(format!("`{}` cannot {need}", self.kind.name()))
                .remedy("use another engine, or leave out the items that need it")),
        }
    }

    /// The engine as far as `part` is one of its capabilities. The first call loads the model.
    fn engine<'e, T: ?Sized>(
        &'e self,
        stopped: &dyn Fn() -> bool,
        part: impl Fn(&'e dyn Engine) -> Option<&'e T>,
    ) -> Result<&'e T, StepError> {
        let opened = match self.opened.get() {
            Some(opened) => opened,
            None => {
                let opened = self.kind.open(&self.folder, &self.required, stopped).map_err(lm)?;
                self.opened.get_or_init(|| opened)
            }
        };
        let cannot = || StepError::internal(format!("engine `{}` cannot do what it says", self.kind.name()));
        part(opened.as_ref()).ok_or_else(cannot)
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
            let generator = self.engine(&|| context.cancelled(), Engine::generator)?;
            let flow = in_pool(context, || {
                generator
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
            let scorer = self.engine(&|| context.cancelled(), Engine::scorer)?;
            let flow = in_pool(context, || {
                scorer
                    .score(&rows, &|| context.cancelled(), &mut |at, scores| {
                        work.done(keeper.keep(missing[at], scores))
                    })
                    .map_err(lm)
            });
            work.finish(flow)
        })
    }

    /// The same for rows that no other step asks for: nothing is kept.
    pub(crate) fn score_now(&self, rows: &[Vec<Segment>]) -> Result<Vec<Vec<f32>>, StepError> {
        let rows: Vec<Vec<Part<'_>>> = rows.iter().map(|row| parts(row)).collect();
        let mut scores = vec![Vec::new(); rows.len()];
        let scorer = self.engine(&|| false, Engine::scorer)?;
        let flow = scorer.score(&rows, &|| false, &mut |at, row| {
            scores[at] = row;
            ControlFlow::Continue(())
        });
        // Nothing stops it.
        let _ = flow.map_err(lm)?;
        Ok(scores)
    }

    /// For each prompt, the index of the option that is its likeliest continuation.
    pub(crate) fn choose(
        &self,
        context: &StepContext<'_>,
        prompts: &[Vec<Segment>],
        options: &[&str],
    ) -> Result<Vec<usize>, StepError> {
        let keys: Vec<Hash> = prompts.iter().map(|prompt| self.choice_key(prompt, options)).collect();
        memoized(context.store(), &keys, |missing, keeper| {
            let chooser = self.engine(&|| context.cancelled(), Engine::chooser)?;
            let mut work = Work::new(context, keys.len(), missing.len(), "choices");
            for together in missing.chunks(CHOSEN_TOGETHER) {
                context.check_cancelled()?;
                let prompts: Vec<Vec<Part<'_>>> = together.iter().map(|at| parts(&prompts[*at])).collect();
                let choices = in_pool(context, || chooser.choose(&prompts, options).map_err(lm))?;
                for (at, choice) in together.iter().zip(choices) {
                    if work.done(keeper.keep(*at, choice)).is_break() {
                        return work.finish(Ok(ControlFlow::Break(())));
                    }
                }
            }
            work.finish(Ok(ControlFlow::Continue(())))
        })
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

    fn choice_key(&self, prompt: &[Segment], options: &[&str]) -> Hash {
        let mut hasher = Hasher::new("assay choice 1");
        hasher.hash("identity", &self.identity).list_len("options", options.len());
        options.iter().for_each(|option| _ = hasher.str("", option));
        add_segments(&mut hasher, prompt);
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

/// Segments as the language model takes them.
pub(crate) fn parts(segments: &[Segment]) -> Vec<Part<'_>> {
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
