//! Results that are near a limit.

use crate::limits::Limits;
use crate::verdict::{TestResult, Verdict};

use super::Judge;

impl Limits {
    /// Whether a result on a test of its own is within a factor of 1.25 of a limit, on either side. Of a
    /// program that ran out of memory nobody knows.
    pub fn is_borderline(&self, result: &TestResult) -> bool {
        match result.verdict {
            Verdict::TimeLimit => result.fuel < self.hard_fuel(),
            Verdict::MemoryLimit | Verdict::OutputLimit | Verdict::JudgeFailure => false,
            _ => near(result.fuel, self.fuel) || near(result.peak_memory, self.memory_bytes),
        }
    }

    /// Whether one of a judge's results is [borderline](Self::is_borderline), or for SkyThought, which has
    /// one limit for all tests, all of them together.
    pub fn is_any_borderline(&self, judge: Judge, results: &[TestResult]) -> bool {
        if judge != Judge::SkyThought {
            return results.iter().any(|result| self.is_borderline(result));
        }
        let total: u64 = results.iter().map(|result| result.fuel).sum();
        let limit = self.fuel.saturating_mul(results.len() as u64);
        let in_time = results.iter().all(|result| result.verdict != Verdict::TimeLimit);
        (in_time && near(total, limit)) || results.iter().any(|one| near(one.peak_memory, self.memory_bytes))
    }
}

/// Whether so much is more than four fifths of a limit.
fn near(used: u64, limit: u64) -> bool {
    used > limit - limit / 5
}
