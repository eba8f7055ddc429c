//! What a program may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::judge::{TestResult, Verdict};
use crate::judges::Judge;

/// Limits of one test.
///
/// Fuel is the time limit: the image charges by operators per iteration of a loop and per call inside the
/// interpreter, and one for four bytes moved at once, so it does not depend on the machine or its load. On
/// one core of a 2020s server 10⁹ units take 0.05 to 0.4 seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Units of fuel for one test, loading the program included.
    pub fuel: u64,
    /// Bytes of linear memory, the interpreter's own included (about 45 MiB). At most 1 GiB.
    pub memory_bytes: u64,
    /// Bytes that the program may write to standard output. Standard error is cut at 64 KiB and never limits.
    pub output_bytes: u64,
    /// Wall clock for one test. It guards the judge against a stuck machine: reaching it is a judge failure,
    /// never a verdict on the program, so it must be generous.
    pub wall: Duration,
}

/// Units of fuel that stand for one second of a native Python: see [`calibrate`](crate::calibrate).
pub const FUEL_PER_SECOND: u64 = 43_000_000_000;

impl Default for Limits {
    /// 10¹⁰ units of fuel, 256 MiB of memory, 16 MiB of output, two minutes.
    fn default() -> Self {
        Limits {
            fuel: 10_000_000_000,
            memory_bytes: 256 << 20,
            output_bytes: 16 << 20,
            wall: Duration::from_secs(120),
        }
    }
}

impl Limits {
    /// Fuel at which a run is stopped: a quarter above the limit, so that what lies just beyond it is seen as
    /// such.
    pub(crate) fn hard_fuel(&self) -> u64 {
        self.fuel.saturating_add(self.fuel / 4)
    }

    /// Limits for benchmarks whose time limit is this many seconds of a native Python: [`FUEL_PER_SECOND`]
    /// for each, 1 GiB of memory, 64 MiB of output, and a wall clock that a machine twenty times slower would
    /// keep.
    pub fn benchmark(seconds: u32) -> Self {
        Self::benchmark_fuel(u64::from(seconds).saturating_mul(FUEL_PER_SECOND))
    }

    /// The same with so much fuel. The wall clock allows a minute, and ten seconds for every 10⁹ units.
    pub fn benchmark_fuel(fuel: u64) -> Self {
        Limits {
            fuel,
            memory_bytes: 1 << 30,
            output_bytes: 64 << 20,
            wall: Duration::from_secs((fuel / 100_000_000).saturating_add(60)),
        }
    }

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

    /// The limits that verdicts depend on, in one line with a fixed form, for cache keys and reports. The
    /// wall clock is not part of it: it cannot change a verdict.
    pub fn describe(&self) -> String {
        format!("fuel={} memory={} output={}", self.fuel, self.memory_bytes, self.output_bytes)
    }
}

/// Whether so much is more than four fifths of a limit.
fn near(used: u64, limit: u64) -> bool {
    used > limit - limit / 5
}
