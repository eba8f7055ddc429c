//! Sampling with a cache: each sample is stored under everything that determines it.
//!
//! A sample is a function of the model's weights, the prompt, the sampling settings, the seed, the sample's
//! index, the code and the instruction set; its batch and the number of threads do not matter. So a run that
//! was killed while sampling goes on where it stopped, and a larger run takes over the samples of a smaller
//! one.

use std::ops::ControlFlow;

use assay_flow::{ParamError, StepContext, StepError};
use assay_lm::sample::{self, Prompt, SampleConfig, SampleEvent};
use assay_lm::{Backend, Model};
use assay_store::{Hash, Hasher};
use serde::{Deserialize, Serialize};

use super::kind::{in_pool, isa, lm, within};
use crate::fingerprint::LANGUAGE_MODEL;

/// Finished samples are stored in groups of this size: a kill loses at most one group.
const STORE_EVERY: usize = 256;

/// How tokens are drawn, as a scale gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplingParams {
    temperature: f64,
    top_p: f64,
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
}

/// What a model wrote after a prompt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Completion {
    /// The text, with the stop token if it came.
    pub(crate) text: String,
    /// Its number of tokens.
    pub(crate) tokens: u32,
}

/// A model, ready to sample.
pub(crate) struct Sampler {
    model: Model,
    config: SampleConfig,
    /// Hashes everything that the samples share.
    shared: Hash,
}

impl Sampler {
    /// Loads the model of an input; a sample ends with one of the `stop` tokens.
    pub(crate) fn open(
        context: &StepContext<'_>,
        input: &str,
        seed: u64,
        params: &SamplingParams,
        stop: &[&str],
    ) -> Result<Self, StepError> {
        let artifact = context.input(input)?;
        let model = Model::load(&artifact.path, Backend::Fused).map_err(lm)?;
        let stop = stop
            .iter()
            .map(|token| model.tokenizer.id(token).map_err(lm))
            .collect::<Result<Vec<u32>, StepError>>()?;
        let SamplingParams { temperature, top_p, max_new_tokens } = *params;
        let mut hasher = Hasher::new("assay sample 1");
        hasher
            .str("code", LANGUAGE_MODEL)
            .str("isa", isa())
            .hash("model", &artifact.hash)
            .u64("seed", seed)
            .f64("temperature", temperature)
            .f64("top_p", top_p)
            .u64("max_new_tokens", max_new_tokens as u64)
            .list_len("stop", stop.len());
        for token in &stop {
            hasher.u64("token", u64::from(*token));
        }
        let config = SampleConfig { temperature, top_p, max_new_tokens, stop, seed };
        Ok(Self { model, config, shared: hasher.finish() })
    }

    /// A completion for each (prompt, sample index), in order.
    pub(crate) fn sample(
        &self,
        context: &StepContext<'_>,
        prompts: &[(&str, u32)],
    ) -> Result<Vec<Completion>, StepError> {
        let keys: Vec<Hash> = prompts.iter().map(|(prompt, index)| self.key(prompt, *index)).collect();
        let mut completions: Vec<Option<Completion>> = context
            .store()
            .samples(&keys)?
            .iter()
            .map(|cached| cached.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok()))
            .collect();
        let missing: Vec<usize> = (0..prompts.len()).filter(|at| completions[*at].is_none()).collect();
        let requests = missing
            .iter()
            .map(|at| {
                let (prompt, index) = prompts[*at];
                let tokens = self.model.tokenizer.encode(prompt).map_err(lm)?;
                Ok(Prompt { tokens, sample_index: u64::from(index) })
            })
            .collect::<Result<Vec<_>, StepError>>()?;

        let mut group: Vec<(Hash, Vec<u8>)> = Vec::new();
        let mut done = prompts.len() - missing.len();
        let total = prompts.len() as u64;
        let drawn = in_pool(context, || {
            let mut failure = None;
            let sampler = sample::Sampler::new(&self.model.decoder, self.config.clone()).map_err(lm)?;
            let flow = sampler.run(&requests, &mut |event| {
                let SampleEvent::Finished { index, sample } = event else {
                    return if context.cancelled() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    };
                };
                let at = missing[index];
                let stored = self.model.tokenizer.decode(&sample.tokens).map_err(lm).and_then(|text| {
                    let completion = Completion { text, tokens: sample.tokens.len() as u32 };
                    group.push((keys[at], serde_json::to_vec(&completion).map_err(bug)?));
                    if group.len() >= STORE_EVERY {
                        context.store().put_samples(&std::mem::take(&mut group))?;
                    }
                    completions[at] = Some(completion);
                    Ok(())
                });
                done += 1;
                context.progress(done as u64, total, "samples");
                match stored {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failure = Some(error);
                        ControlFlow::Break(())
                    }
                }
            });
            match (failure, flow.map_err(lm)?) {
                (Some(error), _) => Err(error),
                (None, flow) => Ok(flow),
            }
        });
        context.store().put_samples(&group)?;
        if drawn?.is_break() {
            return Err(StepError::cancelled());
        }
        completions
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| StepError::internal("a sample was neither cached nor drawn"))
    }

    /// For each prompt, the likeliest of the candidate tokens as the next one.
    pub(crate) fn forced_choice<'c>(
        &self,
        context: &StepContext<'_>,
        prompts: &[String],
        candidates: &[&'c str],
    ) -> Result<Vec<&'c str>, StepError> {
        let encode = |text: &String| self.model.tokenizer.encode(text).map_err(lm);
        let prompts = prompts.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let ids = candidates
            .iter()
            .map(|token| self.model.tokenizer.id(token).map_err(lm))
            .collect::<Result<Vec<u32>, StepError>>()?;
        let chosen =
            in_pool(context, || sample::forced_choice(&self.model.decoder, &prompts, &ids).map_err(lm))?;
        chosen
            .iter()
            .map(|id| {
                let at = ids.iter().position(|candidate| candidate == id);
                at.map(|at| candidates[at]).ok_or_else(|| StepError::internal("a choice is not a candidate"))
            })
            .collect()
    }

    fn key(&self, prompt: &str, index: u32) -> Hash {
        let mut hasher = Hasher::new("assay sample 1 item");
        hasher.hash("shared", &self.shared).str("prompt", prompt).u64("index", u64::from(index));
        hasher.finish()
    }
}

fn bug(error: serde_json::Error) -> StepError {
    StepError::internal(error.to_string())
}
