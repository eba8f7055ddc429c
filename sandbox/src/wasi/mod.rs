//! The host that a guest sees: a deny-all WASI 0.2, at the level of its canonical ABI, and the same as WASI preview 1.
//!
//! A guest has three byte streams, a clock that moves with its fuel and when it is looked at or slept on, a seeded source
//! of random bytes and, while the image is made, a read-only tree of library files. Nothing else exists: no
//! environment, no arguments, no other files, no sockets. A function that is not listed in this module ends
//! the guest with [`Stop::Denied`].

mod abi;
mod calls;
mod files;
mod preview1;

pub(crate) use calls::define;
pub(crate) use files::Files;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::FUEL_PER_SECOND;

/// Why the host ended the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The guest asked to exit; true for success.
    Exit(bool),
    /// The guest wrote more than the allowed number of bytes.
    OutputLimit,
    /// The guest's fuel is used up.
    OutOfFuel,
    /// The guest ran for longer than the wall clock allows.
    WallClock,
    /// The guest asked for something that the sandbox does not provide.
    Denied(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Exit(success) => write!(out, "the guest exited, success: {success}"),
            Stop::OutputLimit => out.write_str("the guest wrote too much"),
            Stop::OutOfFuel => out.write_str("the guest used up its fuel"),
            Stop::WallClock => out.write_str("the wall clock ran out"),
            Stop::Denied(name) => {
                write!(out, "the guest asked for {name}, which the sandbox does not provide")
            }
        }
    }
}

impl std::error::Error for Stop {}

/// Bytes that a guest wrote, up to a limit.
#[derive(Default)]
pub(crate) struct Capture {
    pub bytes: Vec<u8>,
    limit: usize,
    /// Whether bytes beyond the limit end the guest or are dropped.
    strict: bool,
}

impl Capture {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let room = self.limit - self.bytes.len();
        if bytes.len() > room && self.strict {
            return Err(Stop::OutputLimit);
        }
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(())
    }
}

/// Given what a guest wrote, gives what it reads next; `None` at the end.
pub(crate) type Ask = dyn FnMut(Vec<u8>) -> Option<Vec<u8>> + Send;

/// The time of two guests that talk to each other: whenever they do, the clock that is behind is put forward.
#[derive(Clone, Default)]
pub(crate) struct SharedTime(Arc<AtomicU64>);

impl SharedTime {
    /// The later one of this time and those that were told before.
    fn meet(&self, time: u64) -> u64 {
        time.max(self.0.fetch_max(time, Ordering::Relaxed))
    }
}

/// Where a guest's standard input comes from.
pub(crate) enum Stdin {
    /// A text.
    Bytes(Vec<u8>),
    /// What answers each thing that the guest writes.
    Peer {
        /// What is at the other end.
        ask: Mutex<Box<Ask>>,
        /// The time at both ends.
        time: SharedTime,
        /// The answer that is being read.
        answer: Vec<u8>,
    },
}

impl Default for Stdin {
    fn default() -> Self {
        Stdin::Bytes(Vec::new())
    }
}

/// The host's side of one guest.
pub(crate) struct Host {
    environment: Vec<(&'static str, String)>,
    files: Option<Arc<Files>>,
    stdin: Stdin,
    stdin_position: usize,
    pub stdout: Capture,
    pub stderr: Capture,
    /// Nanoseconds since the guest's epoch, but for what [passed](Self::passed) with its fuel.
    clock: u64,
    /// Nanoseconds that the fuel stands for which was used since the last test started.
    passed: u64,
    random: SplitMix64,
    handles: BTreeMap<u32, Handle>,
    next_handle: u32,
}

/// What a handle that the guest holds stands for.
enum Handle {
    /// A file or directory by its path.
    Node(String),
    /// Reading a file from a position on.
    Reader { path: String, position: usize },
    /// Listing a directory: names still to be given, last first.
    Listing(Vec<(String, bool)>),
    /// Ready when the clock has reached the time.
    Timer(u64),
}

const STDIN: u32 = 1;
const STDOUT: u32 = 2;
const STDERR: u32 = 3;
const ROOT: u32 = 4;
/// A pollable that is always ready.
const READY: u32 = 5;
const FIRST_FREE_HANDLE: u32 = 16;
const MAX_HANDLES: usize = 4096;

/// 2024-01-01 00:00:00 UTC, the time at which every guest starts.
const START_SECONDS: u64 = 1_704_067_200;
/// How far each look at the clock moves it besides: 100 microseconds. A loop that only waits for time to pass
/// therefore ends soon.
const CLOCK_STEP: u64 = 100_000;
/// Bytes of standard error that are kept; more are dropped.
const STDERR_KEPT: usize = 64 * 1024;

impl Host {
    /// A host for making the image: files and an environment, nothing else.
    pub(crate) fn with_files(files: Arc<Files>, environment: Vec<(&'static str, String)>) -> Self {
        Host { environment, files: Some(files), ..Host::new(STDERR_KEPT, Stdin::default()) }
    }

    /// A host for a program: no files but its standard input, no environment, at most `output_limit` bytes of
    /// standard output.
    pub(crate) fn new(output_limit: usize, stdin: Stdin) -> Self {
        Host {
            environment: Vec::new(),
            files: None,
            stdin,
            stdin_position: 0,
            stdout: Capture { bytes: Vec::new(), limit: output_limit, strict: true },
            stderr: Capture { bytes: Vec::new(), limit: STDERR_KEPT, strict: false },
            clock: 0,
            passed: 0,
            random: SplitMix64(0x005e_ed0f_6a55_a700),
            handles: BTreeMap::new(),
            next_handle: FIRST_FREE_HANDLE,
        }
    }

    /// Reads at most `wanted` bytes of standard input. Where another interpreter is at its other end, what
    /// was written to standard output goes there first, and its answer is what is read.
    fn read_stdin(&mut self, wanted: usize) -> Vec<u8> {
        let bytes = match &mut self.stdin {
            Stdin::Bytes(bytes) => bytes,
            Stdin::Peer { ask, answer, time } => {
                if self.stdin_position == answer.len() {
                    let ask = ask.get_mut().unwrap_or_else(PoisonError::into_inner);
                    let now = time.meet(self.clock.saturating_add(self.passed));
                    *answer = ask(std::mem::take(&mut self.stdout.bytes)).unwrap_or_default();
                    self.stdin_position = 0;
                    self.clock = self.clock.max(time.meet(now).saturating_sub(self.passed));
                }
                answer
            }
        };
        let rest = bytes.get(self.stdin_position..).unwrap_or_default();
        let taken = rest[..wanted.min(rest.len())].to_vec();
        self.stdin_position += taken.len();
        taken
    }

    /// Gives the guest a handle. A guest that hoards them is stopped before it costs the host memory.
    fn insert(&mut self, handle: Handle) -> Result<u32, Stop> {
        if self.handles.len() >= MAX_HANDLES {
            return Err(Stop::Denied(format!("more than {MAX_HANDLES} handles")));
        }
        let index = self.next_handle;
        self.next_handle = self.next_handle.wrapping_add(1).max(FIRST_FREE_HANDLE);
        self.handles.insert(index, handle);
        Ok(index)
    }

    /// Tells the clock how much fuel was used since the last test started.
    pub(crate) fn pass(&mut self, fuel: u64) {
        let nanoseconds = u128::from(fuel) * 1_000_000_000 / u128::from(FUEL_PER_SECOND);
        self.passed = u64::try_from(nanoseconds).unwrap_or(u64::MAX);
    }

    /// A test starts, whose fuel is counted from zero: what has passed stays so.
    pub(crate) fn start_test(&mut self) {
        self.clock = self.now();
        self.passed = 0;
    }

    /// Puts this clock or that of the guest at the other end forward.
    pub(crate) fn meet(&mut self, time: &SharedTime) {
        self.wait_until(time.meet(self.now()));
    }

    fn now(&self) -> u64 {
        self.clock.saturating_add(self.passed)
    }

    fn tick(&mut self) -> u64 {
        self.clock = self.clock.saturating_add(CLOCK_STEP);
        self.now()
    }

    fn wait_until(&mut self, time: u64) {
        self.clock = self.clock.max(time.saturating_sub(self.passed));
    }

    /// So many random bytes.
    fn random_bytes(&mut self, wanted: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(wanted + 8);
        while bytes.len() < wanted {
            bytes.extend(self.random.next().to_le_bytes());
        }
        bytes.truncate(wanted);
        bytes
    }

    /// Bytes of standard input, if it is a text.
    fn stdin_size(&self) -> Option<u64> {
        match &self.stdin {
            Stdin::Bytes(bytes) => Some(bytes.len() as u64),
            Stdin::Peer { .. } => None,
        }
    }
}

/// The SplitMix64 generator (Steele, Lea and Flood 2014): enough for reproducible hash seeds and
/// `random.seed()`.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest can sleep until the end of time; its clock then stands still.
    #[test]
    fn the_clock_never_goes_back() {
        let mut host = Host { clock: u64::MAX - CLOCK_STEP / 2, ..Host::new(0, Stdin::default()) };
        assert_eq!([host.tick(), host.tick()], [u64::MAX; 2]);
    }
}
