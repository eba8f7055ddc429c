//! One copy of the image, from its first request to its last.

use wasmtime::{Error, Trap};

use crate::guest::{Broken, OutOfMemory};
use crate::instance::{Copies, Copy};
use crate::limits::Limits;
use crate::program::{Prelude, Program, Run, RunOutcome};
use crate::wasi::{Host, SharedTime, Stdin, Stop};

/// A fresh interpreter that answers requests (see `guest/judge.py`) until it fails.
pub(crate) struct Session<'a> {
    copies: &'a Copies,
    limits: &'a Limits,
    copy: Copy,
    /// Fuel that was put in since the last [`start_test`](Self::start_test).
    allowance: u64,
    /// Fuel that was left after the last request.
    left: u64,
    /// Fuel beyond which it took too long.
    limit: u64,
    /// Whether the last request returned. After a trap nothing more can be asked.
    returned: bool,
    /// Whether the program failed for the size of a number, and is to be run again with [`Sizes::Wide`].
    too_narrow: bool,
}

/// The sizes that a program sees: lengths, indices and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// The interpreter's own, of 32 bits.
    Narrow,
    /// Those of 64 bits, by slower functions (see `guest/wide.py`).
    Wide,
}

impl Sizes {
    /// The flag of a request.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Sizes::Narrow => "-",
            Sizes::Wide => "W",
        }
    }
}

/// An answer that is no failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Done, with what the request gives.
    Done(Vec<u8>),
    /// A reference judge or a benchmark's test found the answer wrong.
    Wrong(String),
    /// The benchmark's test does not work.
    BrokenTest(String),
}

impl<'a> Session<'a> {
    /// A fresh copy with this standard input and a test's fuel. On a guest's thread only.
    pub(crate) fn start(copies: &'a Copies, limits: &'a Limits, stdin: Stdin) -> Result<Self, RunOutcome> {
        let copy = copies.take().map_err(|error| judge_failure(&format!("no instance: {error:#}")))?;
        let mut session = Session {
            copies,
            limits,
            copy,
            allowance: 0,
            left: 0,
            limit: 0,
            returned: true,
            too_narrow: false,
        };
        session.copy.arm(Host::new(size(limits.output_bytes), stdin), size(limits.memory_bytes));
        session.start_test()?;
        Ok(session)
    }

    /// Gives the interpreter the fuel and the time of one test.
    pub(crate) fn start_test(&mut self) -> Result<(), RunOutcome> {
        self.start_tests(1)
    }

    /// Gives the interpreter the fuel and the time of so many tests together.
    pub(crate) fn start_tests(&mut self, tests: u64) -> Result<(), RunOutcome> {
        let limits = self.limits;
        self.copy.store.data_mut().memory_refused = false;
        self.allowance = limits.hard_fuel().saturating_mul(tests);
        self.left = self.allowance;
        self.limit = limits.fuel.saturating_mul(tests);
        let wall = limits.wall.saturating_mul(u32::try_from(tests).unwrap_or(u32::MAX));
        self.copy.refuel(self.left, wall).map_err(|error| judge_failure(&format!("{error:#}")))
    }

    /// Compiles a program and keeps it.
    pub(crate) fn load(&mut self, program: &Program, sizes: Sizes) -> Result<(), RunOutcome> {
        let prelude = match program.prelude {
            Prelude::None => "L-",
            Prelude::Benchmark => "LB",
        };
        self.ask([prelude, sizes.flag(), &program.source].concat().as_bytes()).map(drop)
    }

    /// Whether the program failed for want of [`Sizes::Wide`].
    pub(crate) fn is_too_narrow(&self) -> bool {
        self.too_narrow
    }

    /// Makes a request. An error is the outcome of the run, be it the program's fault or the judge's.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Reply, RunOutcome> {
        // What is too long is not copied out of the guest: one byte is the letter, one shows that there is
        // more.
        let most = size(self.limits.output_bytes);
        let reply = self.copy.ask(request, most.saturating_add(2));
        self.returned = reply.is_ok();
        self.left = self.copy.fuel_left();
        let refused = self.copy.store.data().memory_refused;
        let reply = reply.map_err(|error| trapped(&error, refused))?;
        self.too_narrow |= reply.first() == Some(&b'V');
        let result = parse(&reply, refused, most);
        // Whatever it answered, it took too long.
        if self.used() > self.limit { Err(RunOutcome::TimeLimit) } else { result }
    }

    /// Puts the clock of this guest or of the one that it talks to forward.
    pub(crate) fn meet(&mut self, time: &SharedTime) {
        let used = self.used();
        let host = &mut self.copy.store.data_mut().host;
        host.pass(used);
        host.meet(time);
    }

    /// Units of fuel used since the start of the test.
    pub(crate) fn used(&self) -> u64 {
        self.allowance - self.left
    }

    /// Fuel at which a test is stopped.
    pub(crate) fn hard_fuel(&self) -> u64 {
        self.limits.hard_fuel()
    }

    /// Whether nothing more can be asked.
    pub(crate) fn is_over(&self) -> bool {
        !self.returned
    }

    /// What was written to standard output, as text; it is taken.
    pub(crate) fn take_stdout(&mut self) -> String {
        let bytes = std::mem::take(&mut self.copy.store.data_mut().host.stdout.bytes);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// What was written to standard error, as far as it was kept.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.copy.store.data().host.stderr.bytes).into_owned()
    }

    /// The run that this session was, up to now: its outcome with what was used.
    pub(crate) fn run(&self, outcome: RunOutcome) -> Run {
        Run { fuel: self.used(), peak_memory: self.copy.interpreter.memory_bytes(&self.copy.store), outcome }
    }

    /// Ends the session; a copy that ended well is cleaned for the next one.
    pub(crate) fn end(mut self) {
        // A kept copy must not hold on to what was at the other end of its input.
        self.copy.arm(Host::new(0, Stdin::default()), 0);
        if self.returned {
            self.copies.give_back(self.copy);
        }
    }
}

fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Bytes of the text of an exception, or of a wrong answer, that are kept.
const TEXT_KEPT: usize = 4096;

/// Reads a reply; what is done may give `most` bytes.
pub(crate) fn parse(reply: &[u8], memory_refused: bool, most: usize) -> Result<Reply, RunOutcome> {
    let text = |body: &[u8]| String::from_utf8_lossy(&body[..body.len().min(TEXT_KEPT)]).into_owned();
    Err(match reply.split_first() {
        Some((b'+', body)) if body.len() > most => RunOutcome::OutputLimit,
        Some((b'+', body)) => return Ok(Reply::Done(body.to_vec())),
        Some((b'W', body)) => return Ok(Reply::Wrong(text(body))),
        Some((b'J', body)) => return Ok(Reply::BrokenTest(text(body))),
        Some((b'C' | b'E', _)) if memory_refused => RunOutcome::MemoryLimit,
        Some((b'C', body)) => RunOutcome::CompileError { message: text(body) },
        Some((b'M', _)) => RunOutcome::MemoryLimit,
        Some((b'I', body)) => RunOutcome::UnsupportedImport { module: text(body) },
        Some((b'P' | b'V', body)) => RunOutcome::UnsupportedPlatform { message: text(body) },
        Some((b'E' | b'D', body)) => RunOutcome::RuntimeError { message: text(body) },
        _ => broken_interpreter(),
    })
}

/// What a run is that ended inside WebAssembly or in the host.
fn trapped(error: &Error, memory_refused: bool) -> RunOutcome {
    let runtime_error = |message: &str| RunOutcome::RuntimeError { message: message.to_owned() };
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Exit(true) => RunOutcome::Completed { output: String::new() },
            Stop::Exit(false) if memory_refused => RunOutcome::MemoryLimit,
            Stop::Exit(false) => runtime_error("the process exited with a failure"),
            Stop::OutputLimit => RunOutcome::OutputLimit,
            Stop::OutOfFuel => RunOutcome::TimeLimit,
            Stop::WallClock => judge_failure("the wall clock ran out before the fuel"),
            Stop::Denied(what) => runtime_error(&format!("the sandbox has no {what}")),
        };
    }
    match error.downcast_ref::<Trap>() {
        _ if memory_refused => return RunOutcome::MemoryLimit,
        Some(Trap::StackOverflow) => return runtime_error("stack overflow"),
        Some(Trap::UnreachableCodeReached) => return runtime_error("the interpreter aborted"),
        Some(trap) => return runtime_error(&format!("the interpreter crashed: {trap}")),
        None => {}
    }
    if error.is::<OutOfMemory>() {
        return RunOutcome::MemoryLimit;
    }
    if error.is::<Broken>() {
        return broken_interpreter();
    }
    judge_failure(&format!("{error:#}"))
}

pub(crate) fn judge_failure(message: &str) -> RunOutcome {
    RunOutcome::JudgeFailure { message: message.to_owned() }
}

/// The outcome of a program after which the interpreter makes no sense.
pub(crate) fn broken_interpreter() -> RunOutcome {
    RunOutcome::RuntimeError { message: Broken.to_string() }
}
