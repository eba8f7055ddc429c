//! Running programs: a fresh copy of the image for each input.

use std::sync::{Condvar, Mutex, PoisonError};

use wasmtime::{Error, Store, Trap};

use crate::guest::{Guest, OutOfMemory, Unhandled};
use crate::limits::Limits;
use crate::program::{Entry, Input, Program, Run, RunOutcome};
use crate::setup::{Image, MAX_MEMORY, THREAD_STACK, TICK};
use crate::wasi::{Host, Stop};

/// Guests that run at once in this process. The pool of instances has room for as many again: kept copies.
const MAX_RUNNING: u32 = 16;

/// Runs untrusted programs, each input in a fresh copy of the interpreter. Share it between threads by reference.
#[derive(Debug)]
pub struct Sandbox {
    image: Image,
    limits: Limits,
}

impl Sandbox {
    /// A sandbox with these limits.
    pub fn new(image: &Image, limits: Limits) -> Self {
        Sandbox { image: image.clone(), limits }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The image.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Runs `program` once per input, in order; the result has one [`Run`] per input.
    ///
    /// Runs do not see each other, and the result does not depend on what ran before or runs beside.
    pub fn run(&self, program: &Program, inputs: &[Input]) -> Vec<Run> {
        self.run_while(program, inputs, |_, _| true)
    }

    /// Like [`run`](Self::run), but stops after the first run for which `go_on`, called with the number of the
    /// input and its run, says no.
    pub fn run_while(
        &self,
        program: &Program,
        inputs: &[Input],
        go_on: impl Fn(usize, &Run) -> bool + Sync,
    ) -> Vec<Run> {
        if inputs.is_empty() {
            return Vec::new();
        }
        if self.limits.memory_bytes > MAX_MEMORY as u64 {
            let message = format!("a memory limit above {MAX_MEMORY} bytes is not supported");
            return failures(&message, inputs.len());
        }
        self.image.runtime.start_ticking();
        let all = || {
            let mut runs = Vec::with_capacity(inputs.len());
            for (index, input) in inputs.iter().enumerate() {
                runs.push(self.once(program, input));
                if !go_on(index, &runs[index]) {
                    break;
                }
            }
            runs
        };
        let _permit = Permit::take();
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("guest".to_owned()).stack_size(THREAD_STACK);
            match thread.spawn_scoped(scope, all).map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(runs)) => runs,
                Ok(Err(_)) => failures("the guest's thread panicked", inputs.len()),
                Err(error) => failures(&format!("no thread for the guest: {error}"), inputs.len()),
            }
        })
    }

    fn once(&self, program: &Program, input: &Input) -> Run {
        let (request, stdin) = match (&program.entry, input) {
            (Entry::Stdin, Input::Text(text)) => (b"S".to_vec(), text.clone().into_bytes()),
            (Entry::Function(name), Input::Arguments(arguments)) => {
                let call = serde_json::json!([name, arguments]);
                ([b"F", call.to_string().as_bytes()].concat(), Vec::new())
            }
            _ => return failure("the input does not fit the program's entry"),
        };
        let mut copy = match self.image.runtime.copies.take() {
            Ok(copy) => copy,
            Err(error) => return failure(&format!("no instance: {error:#}")),
        };
        let reply = match self.arm(&mut copy.store, stdin) {
            Ok(()) => copy.ask(program.source.as_bytes(), &request),
            Err(error) => return failure(&format!("{error:#}")),
        };
        let returned = reply.is_ok();
        let outcome = outcome(&program.entry, reply, copy.store.data_mut());
        let left = if outcome == RunOutcome::TimeLimit { 0 } else { copy.store.get_fuel().unwrap_or(0) };
        let peak_memory = copy.interpreter.memory_bytes(&copy.store);
        if returned {
            self.image.runtime.copies.give_back(copy);
        }
        Run { outcome, fuel: self.limits.fuel - left, peak_memory }
    }

    /// Puts the limits in force for one run and gives the guest its standard input.
    fn arm(&self, store: &mut Store<Guest>, stdin: Vec<u8>) -> wasmtime::Result<()> {
        let bytes = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let mut host = Host::new(bytes(self.limits.output_bytes));
        host.set_stdin(stdin);
        *store.data_mut() = Guest::new(host, bytes(self.limits.memory_bytes));
        let ticks = self.limits.wall.as_millis().div_ceil(TICK.as_millis());
        store.set_epoch_deadline(u64::try_from(ticks).map_or(u64::MAX / 2, |ticks| ticks.saturating_add(1)));
        store.set_fuel(self.limits.fuel)
    }
}

fn outcome(entry: &Entry, reply: wasmtime::Result<Vec<u8>>, guest: &mut Guest) -> RunOutcome {
    let refused = guest.memory_refused;
    let mut stdout = || {
        let bytes = std::mem::take(&mut guest.host.stdout.bytes);
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    };
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return trapped(&error, refused, stdout),
    };
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    match (reply.split_first(), entry) {
        (Some((b'+', _)), Entry::Stdin) => RunOutcome::Completed { output: stdout() },
        (Some((b'+', body)), Entry::Function(_)) => RunOutcome::Completed { output: text(body) },
        (Some((b'C' | b'E', _)), _) if refused => RunOutcome::MemoryLimit,
        (Some((b'C', body)), _) => RunOutcome::CompileError { message: text(body) },
        (Some((b'M', _)), _) => RunOutcome::MemoryLimit,
        (Some((b'E', body)), _) => RunOutcome::RuntimeError { message: text(body) },
        _ => RunOutcome::RuntimeError { message: "the program broke the interpreter".to_owned() },
    }
}

/// What a run is that ended inside WebAssembly or in the host.
fn trapped(error: &Error, memory_refused: bool, stdout: impl FnOnce() -> String) -> RunOutcome {
    let runtime_error = |message: &str| RunOutcome::RuntimeError { message: message.to_owned() };
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match stop {
            Stop::Exit(true) => RunOutcome::Completed { output: stdout() },
            Stop::Exit(false) if memory_refused => RunOutcome::MemoryLimit,
            Stop::Exit(false) => runtime_error("the process exited with a failure"),
            Stop::OutputLimit => RunOutcome::OutputLimit,
            Stop::Denied(what) => runtime_error(&format!("the sandbox has no {what}")),
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return RunOutcome::TimeLimit,
        Some(Trap::Interrupt) => {
            return RunOutcome::JudgeFailure { message: "the wall clock ran out before the fuel".to_owned() };
        }
        _ if memory_refused => return RunOutcome::MemoryLimit,
        Some(Trap::StackOverflow) => return runtime_error("stack overflow"),
        Some(Trap::UnreachableCodeReached) => return runtime_error("the interpreter aborted"),
        Some(trap) => return runtime_error(&format!("the interpreter crashed: {trap}")),
        None => {}
    }
    if error.is::<OutOfMemory>() {
        return RunOutcome::MemoryLimit;
    }
    if error.is::<Unhandled>() {
        return runtime_error("the program broke the interpreter");
    }
    RunOutcome::JudgeFailure { message: format!("{error:#}") }
}

fn failure(message: &str) -> Run {
    Run { outcome: RunOutcome::JudgeFailure { message: message.to_owned() }, fuel: 0, peak_memory: 0 }
}

fn failures(message: &str, count: usize) -> Vec<Run> {
    vec![failure(message); count]
}

/// The right to have an instance: there are [`MAX_RUNNING`] places in this process, and who comes later waits.
struct Permit;

static TAKEN: Mutex<u32> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Permit {
    fn take() -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |taken: &mut u32| *taken >= MAX_RUNNING;
        *FREED.wait_while(taken, wait).unwrap_or_else(PoisonError::into_inner) += 1;
        Permit
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}
