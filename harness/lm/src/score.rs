//! Log-probabilities of given tokens, without a graph.

use std::ops::{ControlFlow, Range};

use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::sequences::Sequences;

/// Tokens per forward pass, unless told otherwise.
const TOKENS_PER_CHUNK: usize = 4096;

/// A sequence, and the part of it to be scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    /// The whole sequence, context included.
    pub tokens: Vec<u32>,
    /// The tokens whose log-probabilities are asked for; not the first, which nothing precedes. May be empty.
    pub range: Range<usize>,
}

/// Log-probability of each token of each [`Scored::range`], given all tokens before it: one list per item, in
/// order.
///
/// Items are sorted by length and run in chunks of bounded size. With the CPU kernels the result does not
/// depend on the chunking, nor on the number of threads, down to the last bit.
///
/// # Errors
/// [`LmError::ScoreRange`] if a range has token 0 in it or ends past its sequence,
/// [`LmError::TokenOutOfRange`] for a token outside the vocabulary.
pub fn score(decoder: &Decoder, items: &[Scored]) -> Result<Vec<Vec<f32>>> {
    score_in_chunks(decoder, items, TOKENS_PER_CHUNK)
}

/// [`score`] with at most `max_tokens` tokens per forward pass (one sequence at least).
///
/// # Errors
/// Those of [`score`].
pub fn score_in_chunks(decoder: &Decoder, items: &[Scored], max_tokens: usize) -> Result<Vec<Vec<f32>>> {
    let mut scores = vec![Vec::new(); items.len()];
    let flow = each_chunk(decoder, items, max_tokens, &|| false, &mut |index, values| {
        scores[index] = values;
        ControlFlow::Continue(())
    })?;
    debug_assert!(flow.is_continue());
    Ok(scores)
}

/// [`score`], which hands over the index and the log-probabilities of each item as soon as they are known:
/// first those of items with an empty range, then the longest sequences, the shortest at the end.
///
/// Before each forward pass `stopped` is asked; if it is true, or `tell` breaks off, the rest is not computed
/// and the result is `Break`.
///
/// # Errors
/// Those of [`score`].
pub fn score_each(
    decoder: &Decoder,
    items: &[Scored],
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(usize, Vec<f32>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    each_chunk(decoder, items, TOKENS_PER_CHUNK, stopped, tell)
}

fn each_chunk(
    decoder: &Decoder,
    items: &[Scored],
    max_tokens: usize,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(usize, Vec<f32>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    check_ranges(items)?;
    let decoder = decoder.frozen()?;
    let (empty, mut order): (Vec<usize>, Vec<usize>) =
        (0..items.len()).partition(|index| items[*index].range.is_empty());
    order.sort_by_key(|index| std::cmp::Reverse(items[*index].range.end));
    for index in empty {
        if tell(index, Vec::new()).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        if stopped() {
            return Ok(ControlFlow::Break(()));
        }
        let mut total = 0;
        let fits = |index: &&usize| {
            total += items[**index].range.end - 1;
            total <= max_tokens
        };
        let (chunk, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        if score_chunk(&decoder, items, chunk, tell)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        rest = later;
    }
    Ok(ControlFlow::Continue(()))
}

fn check_ranges(items: &[Scored]) -> Result<()> {
    for (sequence, Scored { tokens, range }) in items.iter().enumerate() {
        let unpreceded = range.start == 0 && range.end > 0;
        if unpreceded || range.start > range.end || range.end > tokens.len() {
            let (start, end, length) = (range.start, range.end, tokens.len());
            return Err(LmError::ScoreRange { sequence, start, end, length });
        }
    }
    Ok(())
}

fn score_chunk(
    decoder: &Decoder,
    items: &[Scored],
    chunk: &[usize],
    tell: &mut dyn FnMut(usize, Vec<f32>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    let mut batch = Sequences::new();
    let mut targets = Vec::new();
    for Scored { tokens, range } in chunk.iter().map(|index| &items[*index]) {
        let first_row = batch.total();
        // Later tokens cannot change these probabilities, and the last one scored predicts nothing that is
        // asked for.
        batch.push(&tokens[..range.end - 1])?;
        targets.extend(range.clone().map(|position| (first_row + position - 1, tokens[position])));
    }
    let mut values = decoder.log_probs(&batch, &targets)?.to_vec1::<f32>()?.into_iter();
    for index in chunk {
        let scores = values.by_ref().take(items[*index].range.len()).collect();
        if tell(*index, scores).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
