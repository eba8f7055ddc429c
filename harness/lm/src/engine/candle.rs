//! The engine that runs a model folder in this process.

use std::collections::HashMap;
use std::ops::ControlFlow;

use camino::Utf8Path;

use super::{
    Capabilities, Chooser, Completion, Engine, EngineKind, Generator, Request, Sampling, Scorer, VERSION,
    instruction_set,
};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::model::Model;
use crate::placement::{Kernels, Placement, REFERENCE_VERSION};
use crate::sample::{
    DEFAULT_BATCH, DEFAULT_CACHE_BYTES, End, Prompt, Sample, SampleConfig, SampleEvent, Sampler, Stops,
    likeliest_option,
};
use crate::score::{Scored, score_each};
use crate::text::Part;
use crate::tokenizer::Tokenizer;

/// A model of a folder, run by this crate in the current rayon pool.
///
/// It generates, scores and chooses. With the CPU kernels a result does not depend on the other requests of
/// its call, on their order, or on the number of threads, down to the last bit.
#[derive(Debug)]
pub struct Candle {
    model: Model,
    batch: usize,
    cache_bytes: u64,
}

impl Candle {
    /// Loads a model folder onto a device.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn open(folder: &Utf8Path, placement: &Placement) -> Result<Self> {
        let model = Model::load(folder, placement)?;
        Ok(Self { model, batch: DEFAULT_BATCH, cache_bytes: DEFAULT_CACHE_BYTES })
    }

    /// Sets the most completions in flight at a time, at least 1. It changes speed and memory, not the
    /// completions.
    #[must_use]
    pub fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch.max(1);
        self
    }

    /// Sets the memory for keys and values, as [`Sampler::with_cache_bytes`] does. It changes speed and memory,
    /// not the completions.
    #[must_use]
    pub fn with_cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }
}

/// The kind of [`Candle`], with the place where it computes.
#[derive(Clone, Copy, Debug)]
pub struct CandleKind(pub Placement);

impl EngineKind for CandleKind {
    fn name(&self) -> &'static str {
        "candle"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { generate: true, score: true, choose: true }
    }

    fn identity(&self) -> String {
        let kernels = match self.0.kernels {
            Kernels::Cpu => String::new(),
            Kernels::Reference => format!(" {REFERENCE_VERSION}"),
        };
        format!("candle {VERSION}, {}{kernels}, {}", self.0, instruction_set())
    }

    fn requires(&self, folder: &Utf8Path, specials: &[String]) -> Result<()> {
        if specials.is_empty() {
            return Ok(());
        }
        let path = folder.join("tokenizer.json");
        let tokenizer = Tokenizer::open(&path)?;
        match specials.iter().find(|text| tokenizer.single(text).is_none()) {
            None => Ok(()),
            Some(token) => Err(LmError::MissingSpecial { token: token.clone(), tokenizer: path }),
        }
    }

    fn open(&self, folder: &Utf8Path, specials: &[String], _: &dyn Fn() -> bool) -> Result<Box<dyn Engine>> {
        self.requires(folder, specials)?;
        Ok(Box::new(Candle::open(folder, &self.0)?))
    }
}

impl Engine for Candle {
    fn generator(&self) -> Option<&dyn Generator> {
        Some(self)
    }

    fn scorer(&self) -> Option<&dyn Scorer> {
        Some(self)
    }

    fn chooser(&self) -> Option<&dyn Chooser> {
        Some(self)
    }
}

impl Generator for Candle {
    fn generate(
        &self,
        requests: &[Request<'_>],
        sampling: &Sampling,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Completion) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let draw = Draw {
            decoder: &self.model.decoder,
            tokenizer: &self.model.tokenizer,
            batch: self.batch,
            cache_bytes: self.cache_bytes,
        };
        let prompts = prompts(&self.model.tokenizer, requests)?;
        draw.run(&prompts, sampling, stopped, &mut |index, _, completion| tell(index, completion))
    }
}

/// What completions are drawn from, and how many at a time.
pub(crate) struct Draw<'m> {
    pub(crate) decoder: &'m Decoder,
    pub(crate) tokenizer: &'m Tokenizer,
    pub(crate) batch: usize,
    pub(crate) cache_bytes: u64,
}

impl Draw<'_> {
    /// Completes each prompt; `tell` gets its index, the sample and what the sample says.
    pub(crate) fn run(
        &self,
        prompts: &[Prompt],
        sampling: &Sampling,
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Sample, Completion) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let Sampling { temperature, top_p, max_new_tokens, stop, ignore_eos, seed } = sampling;
        let config = SampleConfig {
            temperature: *temperature,
            top_p: *top_p,
            max_new_tokens: *max_new_tokens,
            stop: if *ignore_eos { Vec::new() } else { self.decoder.config().eos_token_ids.clone() },
            seed: *seed,
        };
        let stops = Stops::new(self.tokenizer, stop)?;
        let sampler = Sampler::new(self.decoder, config)?
            .with_batch(self.batch)
            .with_cache_bytes(self.cache_bytes)
            .with_stops(&stops);
        if stopped() {
            return Ok(ControlFlow::Break(()));
        }
        let mut failure = None;
        let flow = sampler.run(prompts, &mut |event| match event {
            SampleEvent::Step { .. } if stopped() => ControlFlow::Break(()),
            SampleEvent::Step { .. } => ControlFlow::Continue(()),
            SampleEvent::Finished { index, sample } => match self.completion(&stops, sampling, &sample) {
                Ok(completion) => tell(index, sample, completion),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            },
        })?;
        failure.map_or(Ok(flow), Err)
    }

    fn completion(&self, stops: &Stops<'_>, sampling: &Sampling, sample: &Sample) -> Result<Completion> {
        let tokenizer = self.tokenizer;
        let (text, stop) = match (sample.end, sample.tokens.as_slice()) {
            (End::Text(found), tokens) => {
                (stops.text_before(tokens, found)?, Some(sampling.stop[found.stop].clone()))
            }
            (End::Token, [before @ .., last]) => (tokenizer.text(before)?, Some(tokenizer.text(&[*last])?)),
            (End::Token | End::Length, tokens) => (tokenizer.text(tokens)?, None),
        };
        Ok(Completion { text, tokens: sample.tokens.len() as u32, stop })
    }
}

impl Scorer for Candle {
    fn score(
        &self,
        rows: &[Vec<Part<'_>>],
        stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(usize, Vec<f32>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let scored = |(index, row): (usize, &Vec<Part<'_>>)| {
            self.model.tokenizer.scored(row).map_err(LmError::at("row", index))
        };
        let items: Vec<Scored> = rows.iter().enumerate().map(scored).collect::<Result<_>>()?;
        score_each(&self.model.decoder, &items, stopped, tell)
    }
}

impl Chooser for Candle {
    fn choose(&self, prompts: &[Vec<Part<'_>>], options: &[&str]) -> Result<Vec<usize>> {
        let tokenizer = &self.model.tokenizer;
        let options = options
            .iter()
            .enumerate()
            .map(|(index, option)| tokenizer.encode(option).map_err(LmError::at("option", index)));
        let options: Vec<Vec<u32>> = options.collect::<Result<_>>()?;
        let prompts = prompts
            .iter()
            .enumerate()
            .map(|(index, prompt)| tokenizer.join(prompt).map_err(LmError::at("prompt", index)));
        likeliest_option(&self.model.decoder, &prompts.collect::<Result<Vec<_>>>()?, &options)
    }
}

/// The tokens of all prompts; a text that occurs in several parts is tokenised once.
pub(crate) fn prompts(tokenizer: &Tokenizer, requests: &[Request<'_>]) -> Result<Vec<Prompt>> {
    let mut known: HashMap<&str, Vec<u32>> = HashMap::new();
    let mut prompts = Vec::with_capacity(requests.len());
    for (index, request) in requests.iter().enumerate() {
        let mut tokens = Vec::new();
        for part in &request.prompt {
            if !known.contains_key(part.text) {
                let ids = tokenizer.encode(part.text).map_err(LmError::at("request", index))?;
                known.insert(part.text, ids);
            }
            tokens.extend(&known[part.text]);
        }
        prompts.push(Prompt { tokens, sample_index: request.index });
    }
    Ok(prompts)
}
