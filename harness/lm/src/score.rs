//! Log-probabilities of given tokens, without a graph.

use std::ops::Range;

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
/// [`LmError::ScoreRange`] if a range starts at 0 or ends past its sequence, [`LmError::TokenOutOfRange`] for
/// a token outside the vocabulary.
pub fn score(decoder: &Decoder, items: &[Scored]) -> Result<Vec<Vec<f32>>> {
    score_in_chunks(decoder, items, TOKENS_PER_CHUNK)
}

/// [`score`] with at most `max_tokens` tokens per forward pass (one sequence at least).
///
/// # Errors
/// Those of [`score`].
pub fn score_in_chunks(decoder: &Decoder, items: &[Scored], max_tokens: usize) -> Result<Vec<Vec<f32>>> {
    for (sequence, Scored { tokens, range }) in items.iter().enumerate() {
        if range.start == 0 || range.start > range.end || range.end > tokens.len() {
            let (start, end, length) = (range.start, range.end, tokens.len());
            return Err(LmError::ScoreRange { sequence, start, end, length });
        }
    }
    let decoder = decoder.frozen()?;
    let mut order: Vec<usize> = (0..items.len()).filter(|index| !items[*index].range.is_empty()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(items[*index].range.end));

    let mut scores = vec![Vec::new(); items.len()];
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let mut total = 0;
        let fits = |index: &&usize| {
            total += items[**index].range.end - 1;
            total <= max_tokens
        };
        let (chunk, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        score_chunk(&decoder, items, chunk, &mut scores)?;
        rest = later;
    }
    Ok(scores)
}

fn score_chunk(decoder: &Decoder, items: &[Scored], chunk: &[usize], scores: &mut [Vec<f32>]) -> Result<()> {
    let mut batch = Sequences::new();
    let mut targets = Vec::new();
    for Scored { tokens, range } in chunk.iter().map(|index| &items[*index]) {
        let first_row = batch.total();
        // Later tokens cannot change these probabilities, and the last one scored predicts nothing that is
        // asked for.
        batch.push(&tokens[..range.end - 1])?;
        targets.extend(range.clone().map(|position| (first_row + position - 1, tokens[position])));
    }
    let values = decoder.log_probs(&batch, &targets)?.to_vec1::<f32>()?;
    let mut values = values.into_iter();
    for index in chunk {
        scores[*index] = values.by_ref().take(items[*index].range.len()).collect();
    }
    Ok(())
}
