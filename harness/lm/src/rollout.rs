//! Rollouts: completions of a model as something that the same model learns from.

use std::ops::ControlFlow;

use crate::decoder::Decoder;
use crate::engine::{Completion, Draw, Request, Sampling, prompts};
use crate::error::Result;
use crate::sample::{DEFAULT_BATCH, DEFAULT_CACHE_BYTES};
use crate::tokenizer::Tokenizer;
use crate::train::Example;

/// A completion with the tokens that it was drawn as.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// What was drawn, as text.
    pub completion: Completion,
    /// Log-probability of each drawn token (nats) under the model at temperature 1, without truncation.
    pub log_probs: Vec<f32>,
    /// Prompt and completion as a row to learn from, with weight 1: the drawn tokens are supervised, those of the
    /// stop string included.
    pub example: Example,
}

/// Draws a completion for each request from a decoder in memory, as an engine draws them from a folder: equal
/// weights give equal completions, bit for bit. `None` if `stopped` was true when asked between two tokens.
///
/// # Errors
/// Impossible settings, texts that cannot be tokenised, and failures of the model.
pub fn roll_out(
    decoder: &Decoder,
    tokenizer: &Tokenizer,
    requests: &[Request<'_>],
    sampling: &Sampling,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<Vec<Rollout>>> {
    let draw = Draw { decoder, tokenizer, batch: DEFAULT_BATCH, cache_bytes: DEFAULT_CACHE_BYTES };
    let prompts = prompts(tokenizer, requests)?;
    let mut drawn: Vec<Option<Rollout>> = vec![None; prompts.len()];
    let flow = draw.run(&prompts, sampling, stopped, &mut |index, sample, completion| {
        let before = &prompts[index].tokens;
        let tokens = [before.as_slice(), &sample.tokens].concat();
        let supervised = before.len()..tokens.len();
        let example = Example { tokens, supervised, weight: 1.0 };
        drawn[index] = Some(Rollout { completion, log_probs: sample.log_probs, example });
        ControlFlow::Continue(())
    })?;
    if flow.is_break() {
        return Ok(None);
    }
    // A run that is not broken off finishes every sample.
    Ok(Some(drawn.into_iter().flatten().collect()))
}
