//! Which of the ready steps starts next.

use crate::graph::Graph;
use crate::kind::Resources;

/// What steps may use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    threads: usize,
    memory_mb: u64,
    used_threads: usize,
    used_memory_mb: u64,
    running: usize,
}

impl Budget {
    pub(crate) fn new(threads: usize, memory_mb: u64) -> Self {
        let threads = threads.max(1);
        Self { threads, memory_mb, used_threads: 0, used_memory_mb: 0, running: 0 }
    }

    /// What a step gets: what it declares, but no more threads than there are.
    pub(crate) fn granted(&self, wanted: Resources) -> Resources {
        Resources { threads: wanted.threads.clamp(1, self.threads), ..wanted }
    }

    /// Whether it can start now. A step that needs more memory than there is starts when nothing else runs.
    pub(crate) fn fits(&self, granted: Resources) -> bool {
        self.running == 0
            || (self.used_threads + granted.threads <= self.threads
                && self.used_memory_mb.saturating_add(granted.memory_mb) <= self.memory_mb)
    }

    pub(crate) fn take(&mut self, granted: Resources) {
        self.running += 1;
        self.used_threads += granted.threads;
        self.used_memory_mb = self.used_memory_mb.saturating_add(granted.memory_mb);
    }

    pub(crate) fn give_back(&mut self, granted: Resources) {
        self.running -= 1;
        self.used_threads -= granted.threads;
        self.used_memory_mb = self.used_memory_mb.saturating_sub(granted.memory_mb);
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }
}

/// The order in which steps are considered: those with the longest chain of steps behind them first, as they
/// hold up the end of the run; then by id.
///
/// A step that does not fit does not hold back later ones that do.
pub(crate) fn priorities(graph: &Graph) -> Vec<usize> {
    let mut chain = vec![0_usize; graph.steps.len()];
    for index in (0..graph.steps.len()).rev() {
        for upstream in graph.steps[index].upstream() {
            chain[upstream] = chain[upstream].max(chain[index] + 1);
        }
    }
    let mut order: Vec<usize> = (0..graph.steps.len()).collect();
    order.sort_by(|a, b| chain[*b].cmp(&chain[*a]).then_with(|| graph.steps[*a].id.cmp(&graph.steps[*b].id)));
    order
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use crate::kind::Resources;

    #[test]
    fn steps_share_the_budget_and_a_too_large_one_runs_alone() {
        let mut budget = Budget::new(4, 1000);
        let small = Resources { threads: 2, memory_mb: 400 };
        let large = budget.granted(Resources { threads: 64, memory_mb: 5000 });
        assert_eq!(large.threads, 4);
        assert!(budget.fits(large));
        budget.take(small);
        assert!(budget.fits(small) && !budget.fits(large));
        budget.take(small);
        assert!(!budget.fits(Resources { threads: 1, memory_mb: 1 }), "no thread is left");
        budget.give_back(small);
        assert!(!budget.fits(Resources { threads: 1, memory_mb: 601 }), "no memory is left");
        budget.give_back(small);
        budget.take(large);
        assert!(!budget.fits(Resources { threads: 1, memory_mb: 1 }));
        budget.give_back(large);
        assert_eq!(budget, Budget::new(4, 1000));
    }
}
