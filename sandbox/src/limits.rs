//! What a program may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Bytes of linear memory, the interpreter's own included (about 90 MiB, 64 of them its C
    /// stack). At most 1 GiB.
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

    /// The limits that verdicts depend on, in one line with a fixed form, for cache keys and reports. The
    /// wall clock is not part of it: it cannot change a verdict.
    pub fn describe(&self) -> String {
        format!("fuel={} memory={} output={}", self.fuel, self.memory_bytes, self.output_bytes)
    }
}
