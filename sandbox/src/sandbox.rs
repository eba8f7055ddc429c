//! Running programs: a fresh copy of the image for each input.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::limits::Limits;
use crate::link::MAX_MEMORY;
use crate::program::{Entry, Input, Program, Run, RunOutcome};
use crate::session::{Reply, Session, Sizes, broken_interpreter, judge_failure};
use crate::setup::{Image, THREAD_STACK};
use crate::wasi::Stdin;

/// Guests that run at once in this process. The pool of instances has room for as many again: kept copies.
const MAX_RUNNING: u32 = 16;

/// Runs untrusted programs, each input in a fresh copy of the interpreter. Share it between threads by
/// reference.
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
        if inputs.is_empty() {
            return Vec::new();
        }
        let all = || inputs.iter().map(|input| self.one(program, input)).collect();
        self.on_guest_thread(1, all).unwrap_or_else(|message| vec![failure(&message); inputs.len()])
    }

    /// Runs a program once, and gives beside the run what it wrote to standard error, of which 64 KiB are
    /// kept.
    pub fn trace(&self, program: &Program, input: &Input) -> (Run, String) {
        let traced = self.on_guest_thread(1, || self.look(program, input, |session| session.stderr()));
        traced.unwrap_or_else(|message| (failure(&message), String::new()))
    }

    /// Does `work` on a thread that is fit to run guests, when there is room for `guests` of them.
    pub(crate) fn on_guest_thread<T: Send>(
        &self,
        guests: u32,
        work: impl FnOnce() -> T + Send,
    ) -> Result<T, String> {
        if self.limits.memory_bytes > MAX_MEMORY as u64 {
            return Err(format!("a memory limit above {MAX_MEMORY} bytes is not supported"));
        }
        let _permit = Permit::take(guests);
        std::thread::scope(|scope| match guest_thread().spawn_scoped(scope, work) {
            Ok(thread) => thread.join().map_err(|_| "the guest's thread panicked".to_owned()),
            Err(error) => Err(format!("no thread for the guest: {error}")),
        })
    }

    /// A fresh copy of the interpreter with this standard input. On a guest's thread only.
    pub(crate) fn session(&self, stdin: Stdin) -> Result<Session<'_>, RunOutcome> {
        Session::start(&self.image.runtime.copies, &self.limits, stdin)
    }

    /// One run. On a guest's thread only.
    pub(crate) fn one(&self, program: &Program, input: &Input) -> Run {
        self.look(program, input, |_| ()).0
    }

    /// One run, and what `look` sees of the session before it ends. A program that fails for the size of a number runs
    /// again from its start, with wide sizes; the first run does not count.
    fn look<T: Default>(
        &self,
        program: &Program,
        input: &Input,
        look: impl Fn(&Session<'_>) -> T,
    ) -> (Run, T) {
        let (run, seen, too_narrow) = self.look_once(program, input, Sizes::Narrow, &look);
        if !too_narrow {
            return (run, seen);
        }
        let (run, seen, _) = self.look_once(program, input, Sizes::Wide, &look);
        (run, seen)
    }

    /// The same with these sizes, and whether they were too narrow.
    fn look_once<T: Default>(
        &self,
        program: &Program,
        input: &Input,
        sizes: Sizes,
        look: &impl Fn(&Session<'_>) -> T,
    ) -> (Run, T, bool) {
        let (request, stdin) = match (&program.entry, input) {
            (Entry::Stdin, Input::Text(text)) => (b"S".to_vec(), text.as_bytes()),
            (Entry::Function(name), Input::Lines(lines)) => (call(name, lines), &[][..]),
            (Entry::Function(name), Input::Arguments(arguments)) => {
                let lines: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                (call(name, &lines.join("\n")), &[][..])
            }
            _ => return (failure("the input does not fit the program's entry"), T::default(), false),
        };
        let mut session = match self.session(Stdin::Bytes(stdin.to_vec())) {
            Ok(session) => session,
            Err(outcome) => return (Run { outcome, fuel: 0, peak_memory: 0 }, T::default(), false),
        };
        let reply = session.load(program, sizes).and_then(|()| session.ask(&request));
        let outcome = match (reply, &program.entry) {
            (Ok(Reply::Done(_)) | Err(RunOutcome::Completed { .. }), Entry::Stdin) => {
                RunOutcome::Completed { output: session.take_stdout() }
            }
            (Ok(Reply::Done(body)), Entry::Function(_)) => {
                RunOutcome::Completed { output: String::from_utf8_lossy(&body).into_owned() }
            }
            (Err(RunOutcome::Completed { .. }), Entry::Function(_)) => RunOutcome::RuntimeError {
                message: "the process exited before the function returned".to_owned(),
            },
            (Ok(_), _) => broken_interpreter(),
            (Err(outcome), _) => outcome,
        };
        let result = (session.run(outcome), look(&session), session.is_too_narrow());
        session.end();
        result
    }
}

fn call(name: &str, lines: &str) -> Vec<u8> {
    // No lines are no arguments; an empty line is an argument that is no JSON.
    let separator = if lines.is_empty() { "" } else { "\n" };
    ["F", name, separator, lines].concat().into_bytes()
}

fn failure(message: &str) -> Run {
    Run { outcome: judge_failure(message), fuel: 0, peak_memory: 0 }
}

/// A thread with a stack that is big enough for a guest.
pub(crate) fn guest_thread() -> std::thread::Builder {
    std::thread::Builder::new().name("guest".to_owned()).stack_size(THREAD_STACK)
}

/// The right to have that many instances: there are [`MAX_RUNNING`] places in this process, and who comes
/// later waits.
struct Permit(u32);

static TAKEN: Mutex<u32> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

impl Permit {
    fn take(places: u32) -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |taken: &mut u32| *taken + places > MAX_RUNNING;
        *FREED.wait_while(taken, wait).unwrap_or_else(PoisonError::into_inner) += places;
        Permit(places)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= self.0;
        FREED.notify_all();
    }
}
