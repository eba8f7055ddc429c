//! A batch of token sequences of different lengths, laid end to end.

use std::ops::Range;

use crate::error::{LmError, Result};

/// Token sequences laid end to end, without padding.
///
/// Row `i` of a hidden state belongs to token `i` of [`tokens`](Self::tokens). Positions restart at 0 in each
/// sequence, and no token sees another sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequences {
    tokens: Vec<u32>,
    /// Where each sequence starts, and at the end the number of tokens.
    offsets: Vec<usize>,
}

impl Default for Sequences {
    fn default() -> Self {
        Self { tokens: Vec::new(), offsets: vec![0] }
    }
}

impl Sequences {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch from concatenated tokens and the boundaries between sequences.
    ///
    /// # Errors
    /// [`LmError::Sequences`] unless `offsets` starts at 0, rises strictly (no sequence is empty) and ends at
    /// the number of tokens.
    pub fn from_parts(tokens: Vec<u32>, offsets: Vec<usize>) -> Result<Self> {
        let problem = if offsets.first() != Some(&0) {
            "the first boundary is not 0"
        } else if offsets.last() != Some(&tokens.len()) {
            "the last boundary is not the number of tokens"
        } else if offsets.windows(2).any(|pair| pair[0] >= pair[1]) {
            "a sequence is empty, or boundaries fall"
        } else {
            return Ok(Self { tokens, offsets });
        };
        Err(LmError::Sequences { problem })
    }

    /// Appends a sequence.
    ///
    /// # Errors
    /// [`LmError::Sequences`] if it is empty.
    pub fn push(&mut self, tokens: &[u32]) -> Result<()> {
        if tokens.is_empty() {
            return Err(LmError::Sequences { problem: "a sequence is empty" });
        }
        self.tokens.extend_from_slice(tokens);
        self.offsets.push(self.tokens.len());
        Ok(())
    }

    /// A batch of the given sequences, in order.
    ///
    /// # Errors
    /// [`LmError::Sequences`] if one is empty.
    pub fn from_slices<S: AsRef<[u32]>>(sequences: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut batch = Self::new();
        for sequence in sequences {
            batch.push(sequence.as_ref())?;
        }
        Ok(batch)
    }

    /// All tokens, sequence after sequence.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where each sequence starts, followed by the number of tokens: one entry more than there are sequences.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no sequence.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of tokens of all sequences together, which is the number of rows of a hidden state.
    #[must_use]
    pub fn total(&self) -> usize {
        self.tokens.len()
    }

    /// The rows of each sequence, in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// Each token's position within its own sequence.
    #[must_use]
    pub fn positions(&self) -> Vec<u32> {
        self.ranges().flat_map(|rows| (0..rows.len()).map(|position| position as u32)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn lays_sequences_end_to_end() {
        let batch = Sequences::from_slices([&[7, 8][..], &[9], &[1, 2, 3]]).unwrap();
        assert_eq!(batch.tokens(), [7, 8, 9, 1, 2, 3]);
        assert_eq!(batch.offsets(), [0, 2, 3, 6]);
        assert_eq!(batch.positions(), [0, 1, 0, 0, 1, 2]);
        assert_eq!(batch.ranges().collect::<Vec<_>>(), [0..2, 2..3, 3..6]);
        assert_eq!((batch.len(), batch.total(), batch.is_empty()), (3, 6, false));
        assert_eq!(Sequences::from_parts(batch.tokens().to_vec(), batch.offsets().to_vec()).unwrap(), batch);
    }

    #[test]
    fn rejects_what_does_not_partition_the_tokens() {
        for offsets in [vec![], vec![1, 3], vec![0, 2], vec![0, 2, 2, 3], vec![0, 4, 3], vec![0, 4]] {
            assert!(Sequences::from_parts(vec![1, 2, 3], offsets.clone()).is_err(), "{offsets:?}");
        }
        assert!(Sequences::new().push(&[]).is_err());
        assert!(Sequences::new().is_empty());
    }
}
