//! Choosing among given tokens, or given continuations.

use std::collections::{BTreeMap, BTreeSet};

use super::forward::Row;
use super::{DEFAULT_BATCH, DEFAULT_CACHE_BYTES, check_prompts, cpu, new_forward, slots_within};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::placement::Kernels;
use crate::score::{Scored, score};

/// For each prompt, the index of the likeliest of several continuations, given as tokens (ties: the first).
///
/// What all options begin with is read as part of the prompt. If they all differ in the next token, its logits
/// decide, as in [`forced_choice`]; options of one token each are thus compared by this token. Otherwise, as
/// with `10`, `12` and `7` written digit by digit, the sums of the log-probabilities of all their remaining
/// tokens decide, without a correction for length.
///
/// # Errors
/// [`LmError::Setting`] if there are no options, [`LmError::NestedOptions`] if one of them is the beginning of
/// another, and those of [`forced_choice`].
pub fn likeliest_option(decoder: &Decoder, prompts: &[Vec<u32>], options: &[Vec<u32>]) -> Result<Vec<usize>> {
    let Some(first) = options.first() else {
        let problem = "is empty, but a choice needs at least one option".to_owned();
        return Err(LmError::Setting { field: "options", problem });
    };
    if let Some((option, longer)) = nested(options) {
        return Err(LmError::NestedOptions { option, longer });
    }
    let common = (0..first.len()).take_while(|at| options.iter().all(|o| o.get(*at) == first.get(*at)));
    // A single option is common to all of them but for its last token.
    let common = common.count().min(first.len().saturating_sub(1));
    let prompts: Vec<Vec<u32>> = prompts.iter().map(|p| [p, &first[..common]].concat()).collect();
    let options: Vec<&[u32]> = options.iter().map(|option| &option[common..]).collect();

    let next: Vec<u32> = options.iter().filter_map(|option| option.first().copied()).collect();
    if next.iter().collect::<BTreeSet<_>>().len() == options.len() {
        let chosen = forced_choice(decoder, &prompts, &next)?;
        let index = |token| next.iter().position(|candidate| candidate == token).unwrap_or_default();
        return Ok(chosen.iter().map(index).collect());
    }
    by_sum(decoder, &prompts, &options)
}

/// Two options of which the first is the beginning of the second, if there are such.
fn nested(options: &[Vec<u32>]) -> Option<(usize, usize)> {
    let mut pairs = (0..options.len()).flat_map(|one| (0..options.len()).map(move |other| (one, other)));
    pairs.find(|(one, other)| one != other && options[*other].starts_with(&options[*one]))
}

/// For each prompt, the option with the highest sum of log-probabilities.
fn by_sum(decoder: &Decoder, prompts: &[Vec<u32>], options: &[&[u32]]) -> Result<Vec<usize>> {
    check_prompts(decoder, prompts.iter().map(Vec::as_slice))?;
    let distinct: Vec<&Vec<u32>> = prompts.iter().collect::<BTreeSet<_>>().into_iter().collect();
    let row = |prompt: &Vec<u32>, option: &&[u32]| {
        let tokens = [prompt, *option].concat();
        Scored { range: prompt.len()..tokens.len(), tokens }
    };
    let rows: Vec<Scored> =
        distinct.iter().flat_map(|prompt| options.iter().map(|option| row(prompt, option))).collect();
    let mut chosen = BTreeMap::new();
    for (prompt, scores) in distinct.iter().zip(score(decoder, &rows)?.chunks(options.len())) {
        let sums: Vec<f64> = scores.iter().map(|s| s.iter().map(|value| f64::from(*value)).sum()).collect();
        if sums.iter().any(|sum| sum.is_nan()) {
            let prompt = prompts.iter().position(|other| other == *prompt).unwrap_or_default();
            return Err(LmError::NoDistribution { prompt });
        }
        let best = sums.iter().enumerate().fold(0, |best, (i, sum)| if *sum > sums[best] { i } else { best });
        chosen.insert(*prompt, best);
    }
    Ok(prompts.iter().map(|prompt| chosen[prompt]).collect())
}

/// For each prompt, the candidate with the highest logit as its next token (ties: the first of the
/// candidates).
///
/// # Errors
/// [`LmError::Setting`] without candidates, [`LmError::EmptyPrompt`], [`LmError::TokenOutOfRange`], or
/// [`LmError::NoDistribution`] if the model computes no numbers.
pub fn forced_choice(
    decoder: &Decoder,
    prompts: &[impl AsRef<[u32]>],
    candidates: &[u32],
) -> Result<Vec<u32>> {
    let Some(&first) = candidates.first() else {
        let problem = "is empty, but a choice needs at least one token".to_owned();
        return Err(LmError::Setting { field: "candidates", problem });
    };
    let vocab_size = decoder.config().vocab_size;
    if let Some(position) = candidates.iter().position(|token| *token as usize >= vocab_size) {
        return Err(LmError::TokenOutOfRange { token: candidates[position], position, vocab_size });
    }
    let longest = check_prompts(decoder, prompts.iter().map(AsRef::as_ref))?;
    let packed = match decoder.kernels() {
        Kernels::Cpu => Some(cpu::Weights::new(decoder)?),
        Kernels::Reference => None,
    };
    let float = decoder.placement().float;
    let fitting = slots_within(DEFAULT_CACHE_BYTES, decoder.config(), float, longest);
    let slots = DEFAULT_BATCH.min(fitting.max(1));
    let mut forward = new_forward(decoder, packed.as_ref(), slots.min(prompts.len()), longest)?;

    let mut by_tokens: BTreeMap<&[u32], u32> = prompts.iter().map(|p| (p.as_ref(), first)).collect();
    let mut distinct: Vec<(&&[u32], &mut u32)> = by_tokens.iter_mut().collect();
    let mut logits = Vec::new();
    for chunk in distinct.chunks_mut(slots) {
        let mut rows = Vec::new();
        let mut wanted = Vec::new();
        for (slot, (tokens, _)) in chunk.iter().enumerate() {
            let fed = tokens.iter().enumerate();
            rows.extend(fed.map(|(position, &token)| Row { token, slot, position }));
            wanted.push(rows.len() - 1);
        }
        forward.feed(&rows, &wanted, &mut logits)?;
        for ((tokens, choice), logits) in chunk.iter_mut().zip(logits.chunks_exact(vocab_size)) {
            if candidates.iter().any(|c| logits[*c as usize].is_nan()) {
                let prompt = prompts.iter().position(|p| p.as_ref() == **tokens).unwrap_or_default();
                return Err(LmError::NoDistribution { prompt });
            }
            for &candidate in candidates {
                if logits[candidate as usize] > logits[**choice as usize] {
                    **choice = candidate;
                }
            }
        }
    }
    Ok(prompts.iter().map(|p| by_tokens[p.as_ref()]).collect())
}
