//! What a sampler asks of a decoder: feed tokens at positions, get logits.

use crate::error::Result;

/// A token to be fed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) token: u32,
    /// The cache slot of its sequence.
    pub(crate) slot: usize,
    /// Its position in the sequence: the number of tokens fed to the slot before.
    pub(crate) position: usize,
}

/// A decoder with a cache of the keys and values of each sequence.
pub(crate) trait Forward {
    /// Feeds tokens and computes the logits `[wanted.len(), vocabulary]` that follow the wanted rows.
    ///
    /// Several rows may belong to one slot; their positions then rise by one from row to row. `wanted` rises.
    fn feed(&mut self, rows: &[Row], wanted: &[usize], logits: &mut Vec<f32>) -> Result<()>;

    /// Makes the first `positions` positions of slot `to` those of slot `from`.
    fn copy(&mut self, from: usize, to: usize, positions: usize) -> Result<()>;
}
