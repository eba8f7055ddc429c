//! Choosing among given tokens.

use std::collections::BTreeMap;

use super::forward::Row;
use super::{DEFAULT_BATCH, check_prompts, cpu, new_forward};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::placement::Kernels;

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
    let slots = DEFAULT_BATCH.min(prompts.len());
    let mut forward = new_forward(decoder, packed.as_ref(), slots, longest)?;

    let mut by_tokens: BTreeMap<&[u32], u32> = prompts.iter().map(|p| (p.as_ref(), first)).collect();
    let mut distinct: Vec<(&&[u32], &mut u32)> = by_tokens.iter_mut().collect();
    let mut logits = Vec::new();
    for chunk in distinct.chunks_mut(DEFAULT_BATCH) {
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
