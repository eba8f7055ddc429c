//! Which units each step takes.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The order of a run's units: each epoch takes every unit once, in an order of its own.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    units: usize,
    batch: usize,
    epochs: u64,
    seed: u64,
    /// The epoch drawn last, and its permutation.
    drawn: Option<(u64, Vec<usize>)>,
}

impl Order {
    pub(crate) fn new(units: usize, batch: usize, epochs: u64, seed: u64) -> Self {
        Self { units, batch, epochs, seed, drawn: None }
    }

    fn steps_per_epoch(&self) -> u64 {
        self.units.div_ceil(self.batch) as u64
    }

    /// The number of steps of the run.
    pub(crate) fn steps(&self) -> u64 {
        self.epochs * self.steps_per_epoch()
    }

    /// The units of a step.
    pub(crate) fn at(&mut self, step: u64) -> &[usize] {
        let (epoch, within) = (step / self.steps_per_epoch(), (step % self.steps_per_epoch()) as usize);
        let (units, seed, batch) = (self.units, self.seed, self.batch);
        if self.drawn.as_ref().is_none_or(|(drawn, _)| *drawn != epoch) {
            self.drawn = None;
        }
        let (_, order) = self.drawn.get_or_insert_with(|| (epoch, permutation(units, seed, epoch)));
        let start = within * batch;
        &order[start..(start + batch).min(units)]
    }
}

/// A permutation of `0..n` by the Fisher-Yates shuffle, a function of seed and epoch.
fn permutation(n: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut hasher = blake3::Hasher::new_derive_key("assay-lm epoch order v1");
    hasher.update(&seed.to_le_bytes());
    hasher.update(&epoch.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, below(&mut rng, i as u64 + 1) as usize);
    }
    order
}

/// A number below `bound`, uniform: the high half of a product with 64 random bits, redrawn where it would be
/// biased (Lemire 2019, "Fast Random Integer Generation in an Interval").
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    let biased = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= biased {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_takes_each_unit_once_and_its_last_batch_what_is_left() {
        for (units, batch, epochs, steps) in
            [(1200, 32, 6, 228), (150, 8, 6, 114), (5, 5, 1, 1), (3, 8, 2, 2)]
        {
            let mut order = Order::new(units, batch, epochs, 1);
            assert_eq!(order.steps(), steps);
            let per_epoch = steps / epochs;
            let mut seen = Vec::new();
            for epoch in 0..epochs {
                let taken: Vec<usize> =
                    (0..per_epoch).flat_map(|s| order.at(epoch * per_epoch + s).to_vec()).collect();
                let mut sorted = taken.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..units).collect::<Vec<_>>());
                assert!(units < 6 || !seen.contains(&taken), "epochs differ in order");
                seen.push(taken);
            }
        }
    }

    #[test]
    fn a_step_is_the_same_whatever_was_asked_before() {
        let mut one = Order::new(100, 7, 3, 9);
        let all: Vec<Vec<usize>> = (0..one.steps()).map(|s| one.at(s).to_vec()).collect();
        for step in [44, 3, 20, 21, 0] {
            assert_eq!(Order::new(100, 7, 3, 9).at(step), all[step as usize]);
            assert_eq!(one.at(step), all[step as usize]);
        }
        assert_ne!(Order::new(100, 7, 3, 8).at(0), all[0]);
    }

    #[test]
    fn all_permutations_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6000 {
            *counts.entry(permutation(3, seed, 0)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|c| (880..1120).contains(c)), "{counts:?}");
    }
}
