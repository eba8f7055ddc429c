//! Which of the ready steps starts next.

use std::collections::BTreeSet;

use crate::engine::work::Work;
use crate::kind::Resources;

/// What steps may use together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    threads: usize,
    memory_mb: u64,
    used_threads: usize,
    used_memory_mb: u64,
    running: usize,
    /// Devices that running steps have to themselves.
    devices: BTreeSet<String>,
}

impl Budget {
    pub(crate) fn new(threads: usize, memory_mb: u64) -> Self {
        let threads = threads.max(1);
        Self { threads, memory_mb, used_threads: 0, used_memory_mb: 0, running: 0, devices: BTreeSet::new() }
    }

    /// What a step gets: what it declares, but no more threads than there are.
    pub(crate) fn granted(&self, wanted: Resources) -> Resources {
        Resources { threads: wanted.threads.clamp(1, self.threads), ..wanted }
    }

    /// Whether it can start now: its device is free, and so are enough threads and memory. A step that needs
    /// more memory than there is starts when nothing else runs.
    pub(crate) fn fits(&self, granted: &Resources) -> bool {
        let free = granted.device.as_ref().is_none_or(|device| !self.devices.contains(device));
        let alone = self.running == 0;
        free && (alone
            || self.used_threads + granted.threads <= self.threads
                && self.used_memory_mb.saturating_add(granted.memory_mb) <= self.memory_mb)
    }

    pub(crate) fn take(&mut self, granted: &Resources) {
        self.running += 1;
        self.devices.extend(granted.device.clone());
        self.used_threads += granted.threads;
        self.used_memory_mb = self.used_memory_mb.saturating_add(granted.memory_mb);
    }

    pub(crate) fn give_back(&mut self, granted: &Resources) {
        self.running -= 1;
        granted.device.iter().for_each(|device| _ = self.devices.remove(device));
        self.used_threads -= granted.threads;
        self.used_memory_mb = self.used_memory_mb.saturating_sub(granted.memory_mb);
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }
}

/// The order in which steps are considered.
///
/// A step is preferred if the chain of steps behind it is so long that the run would end later if it had to wait: if even
/// one step of the chain after the other takes as long as all that is left on all threads, counted in steps. Among those,
/// the one with the longest chain comes first. Else the steps that the first recipe needs come first, so that its result is
/// there early; of one recipe those with the longest chain; then by id.
///
/// A step that does not fit does not hold back later ones that do.
pub(crate) struct Priorities {
    /// For each step, how many steps have to run one after the other once it is done.
    chain: Vec<usize>,
    by_chain: Vec<usize>,
    by_recipe: Vec<usize>,
}

impl Priorities {
    pub(crate) fn new(work: &Work<'_>) -> Self {
        let mut chain = vec![0_usize; work.steps.len()];
        for index in (0..work.steps.len()).rev() {
            for upstream in work.steps[index].upstream() {
                chain[upstream] = chain[upstream].max(chain[index] + 1);
            }
        }
        let first = work.first_users();
        let mut by_chain: Vec<usize> = (0..work.steps.len()).collect();
        by_chain.sort_by(|a, b| {
            chain[*b].cmp(&chain[*a]).then_with(|| work.steps[*a].id.cmp(&work.steps[*b].id))
        });
        let mut by_recipe = by_chain.clone();
        // Stable: the order within a recipe stays.
        by_recipe.sort_by_key(|step| first[*step]);
        Self { chain, by_chain, by_recipe }
    }

    /// The first step that can start. `left` is how many steps are not done.
    pub(crate) fn first(
        &self,
        left: usize,
        threads: usize,
        can_start: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let holds_up = |step: &&usize| (self.chain[**step] + 1) * threads >= left;
        let mut urgent = self.by_chain.iter().take_while(holds_up);
        urgent
            .find(|step| can_start(**step))
            .or_else(|| self.by_recipe.iter().find(|step| can_start(**step)))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use crate::kind::Resources;

    fn wants(threads: usize, memory_mb: u64) -> Resources {
        Resources { threads, memory_mb, device: None }
    }

    #[test]
    fn steps_share_the_budget_and_a_too_large_one_runs_alone() {
        let mut budget = Budget::new(4, 1000);
        let small = wants(2, 400);
        let large = budget.granted(wants(64, 5000));
        assert_eq!(large.threads, 4);
        assert!(budget.fits(&large));
        budget.take(&small);
        assert!(budget.fits(&small) && !budget.fits(&large));
        budget.take(&small);
        assert!(!budget.fits(&wants(1, 1)), "no thread is left");
        budget.give_back(&small);
        assert!(!budget.fits(&wants(1, 601)), "no memory is left");
        budget.give_back(&small);
        budget.take(&large);
        assert!(!budget.fits(&wants(1, 1)));
        budget.give_back(&large);
        assert_eq!(budget, Budget::new(4, 1000));
    }

    #[test]
    fn a_device_is_for_one_step_at_a_time() {
        let mut budget = Budget::new(4, 1000);
        let on = |device: &str| Resources { device: Some(device.into()), ..wants(1, 10) };
        budget.take(&on("cuda:0"));
        assert!(!budget.fits(&on("cuda:0")));
        assert!(budget.fits(&on("cuda:1")) && budget.fits(&wants(1, 10)));
        budget.take(&on("cuda:1"));
        budget.give_back(&on("cuda:0"));
        assert!(budget.fits(&on("cuda:0")) && !budget.fits(&on("cuda:1")));
    }
}
