//! Trials and their random numbers.

use std::collections::BTreeMap;

/// The trials of a test: seeds, `usual` of them unless the environment says otherwise.
pub(crate) fn trials(usual: u64) -> impl Iterator<Item = u64> {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let first = number("ASSAY_FAULT_SEED").unwrap_or(1);
    first..first + number("ASSAY_FAULT_TRIALS").unwrap_or(usual)
}

/// A stream of numbers (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(test: &str, seed: u64) -> Self {
        Self(test.bytes().fold(seed, |state, byte| state.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn choice<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// How many trials ended how.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    #[expect(clippy::print_stderr, reason = "what a long campaign found is read by a person")]
    pub(crate) fn print(&self, test: &str) {
        for (what, count) in &self.0 {
            eprintln!("{test}: {count:4} {what}");
        }
    }
}
