//! Named random streams.
//!
//! Each item of a data set is drawn from a stream of its own, keyed by purpose, seed and item. So question 7
//! stays the same when 10 or 10 000 questions are made, on any machine, in any order.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::ops::RangeInclusive;

/// A deterministic source of draws: ChaCha8 keyed by the BLAKE3 hash of (purpose, seed, item).
#[derive(Debug, Clone)]
pub struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    /// The stream of an item, named by any bytes, for a purpose and a seed. Streams of different names are
    /// independent.
    pub fn new(purpose: &str, seed: u64, item: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("assay-study random stream v1");
        hasher.update(&(purpose.len() as u64).to_le_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(&seed.to_le_bytes());
        hasher.update(item);
        Self { rng: ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()) }
    }

    /// The stream of the item with this number.
    pub fn numbered(purpose: &str, seed: u64, index: u64) -> Self {
        Self::new(purpose, seed, &index.to_le_bytes())
    }

    /// Uniform over `0..n`, without bias (Lemire 2019, "Fast random integer generation in an interval"). `n`
    /// must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        loop {
            let product = u128::from(self.rng.next_u64()) * u128::from(n);
            if product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// Uniform over an inclusive range, which must not be empty.
    pub fn within(&mut self, range: RangeInclusive<i64>) -> i64 {
        let width = range.end().abs_diff(*range.start()) + 1;
        range.start() + self.below(width) as i64
    }

    /// A uniform index into a non-empty slice of this length.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A uniform element of a non-empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Uniform over [0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An index drawn in proportion to non-negative weights, of which at least one is positive.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        let mut last_possible = 0;
        for (index, &weight) in weights.iter().enumerate() {
            if weight > 0.0 {
                if left < weight {
                    return index;
                }
                left -= weight;
                last_possible = index;
            }
        }
        // Rounding can leave a sliver past the last weight.
        last_possible
    }

    /// The first `count` elements of a uniformly shuffled copy: a sample without replacement, in random
    /// order.
    pub fn sample<T: Clone>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut items = items.to_vec();
        let count = count.min(items.len());
        for position in 0..count {
            let other = position + self.index(items.len() - position);
            items.swap(position, other);
        }
        items.truncate(count);
        items
    }
}
