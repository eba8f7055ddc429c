//! What a program may use.

use std::time::Duration;

/// Limits of one test.
///
/// Fuel is the time limit: the runtime charges about one unit per WebAssembly instruction and per byte of a bulk copy, so
/// it does not depend on the machine or its load. On one core of a 2020s server 10⁹ units take 0.1 to 0.4 seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Units of fuel for one test, loading the program included.
    pub fuel: u64,
    /// Bytes of linear memory, the interpreter's own included (about 45 MiB). At most 1 GiB.
    pub memory_bytes: u64,
    /// Bytes that the program may write to standard output. Standard error is cut at 64 KiB and never limits.
    pub output_bytes: u64,
    /// Wall clock for one test. It guards the judge against a stuck machine: reaching it is a judge failure, never a
    /// verdict on the program, so it must be generous.
    pub wall: Duration,
}

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
    /// The limits that verdicts depend on, in one line with a fixed form, for cache keys and reports. The wall clock is
    /// not part of it: it cannot change a verdict.
    pub fn describe(&self) -> String {
        format!("fuel={} memory={} output={}", self.fuel, self.memory_bytes, self.output_bytes)
    }
}
