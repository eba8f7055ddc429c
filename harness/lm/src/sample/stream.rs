//! The random numbers of a sample.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The random stream of one sample.
#[derive(Debug, Clone)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// A stream determined by the seed, the prompt's tokens and the sample's index.
    pub(crate) fn new(seed: u64, prompt: &[u32], sample_index: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("assay-lm sample stream v1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(&sample_index.to_le_bytes());
        for token in prompt {
            hasher.update(&token.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// The next number, uniform on the multiples of `2^-53` in `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_in_each_part_of_their_identity_and_stay_what_they_are() {
        let first = |seed, prompt: &[u32], index| Stream::new(seed, prompt, index).uniform();
        let golden = first(1, &[3, 4], 0);
        assert_eq!(golden, 0.147_354_263_443_960_4);
        for other in [first(2, &[3, 4], 0), first(1, &[3, 5], 0), first(1, &[3], 0), first(1, &[3, 4], 1)] {
            assert_ne!(golden, other);
        }
        let mut stream = Stream::new(7, &[], 0);
        let mean = (0..10_000).map(|_| stream.uniform()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
