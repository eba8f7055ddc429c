//! Judging on all cores: one process per worker.
//!
//! Guests of one process share an address space, and mapping, faulting and unmapping pages in it from several
//! threads is slower than from one. Processes do not hinder each other, and what kills one does not kill the
//! others: it is replaced, and the test that it was at is tried once more.
//!
//! Each thread of the pool starts its worker, replaces it and outlives it. A worker may thus ask the system
//! to be killed when the thread that started it is gone (`PR_SET_PDEATHSIG` of Linux).

mod worker;

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use camino::Utf8Path;
use serde::Serialize;

pub use worker::serve;
use worker::{Hello, Line};

use crate::judge::{Judgement, TestResult, summarize};
use crate::judges::Task;
use crate::limits::Limits;
use crate::setup::ImageLock;

/// How often a test is tried on which a worker dies.
const ATTEMPTS: u32 = 2;

/// How often it is looked whether the work is cancelled.
const WATCH: Duration = Duration::from_millis(50);

/// Processes that judge tasks side by side. Verdicts do not depend on how many there are.
pub struct Pool {
    command: Box<dyn Fn() -> Command + Sync>,
    hello: Hello,
    workers: usize,
    /// The processes that run, so that they can be ended while they are busy.
    children: Mutex<Vec<Weak<Mutex<Child>>>>,
}

/// Why the pool could not judge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A worker could not be started.
    #[error("a worker could not be started")]
    Start(#[source] io::Error),
    /// A worker started but cannot work.
    #[error("a worker cannot work: {message}")]
    Unable {
        /// Why.
        message: String,
        /// What to do about it.
        remedy: String,
    },
    /// A worker died before it was ready, twice.
    #[error("a worker process died before it was ready")]
    Died,
}

impl PoolError {
    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &str {
        match self {
            PoolError::Start(_) => "use fewer workers, or allow more processes (`ulimit -u`) and memory",
            PoolError::Unable { remedy, .. } => remedy,
            PoolError::Died => "see what it wrote; if it was killed for lack of memory, use fewer workers",
        }
    }
}

/// Tasks that nobody is at: those that a worker could not be had for, then the ones never begun.
struct Tasks<I, R> {
    returned: Vec<(I, Task)>,
    rest: R,
}

impl<I, R: Iterator<Item = (I, Task)>> Tasks<I, R> {
    fn next(&mut self) -> Option<(I, Task)> {
        self.returned.pop().or_else(|| self.rest.next())
    }

    fn are_left(&mut self) -> bool {
        let next = self.next();
        self.returned.extend(next);
        !self.returned.is_empty()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// The most workers that a pool has.
    pub const MAX_WORKERS: usize = 256;

    /// A pool of `workers` processes, at least 1 and at most [`MAX_WORKERS`](Self::MAX_WORKERS). One is
    /// started when there is a task for it. `command` starts a process that calls [`serve`] with its standard
    /// input and output; the image that `lock` pins must be in the folder `images`.
    pub fn new(
        command: impl Fn() -> Command + Sync + 'static,
        images: &Utf8Path,
        lock: &ImageLock,
        limits: &Limits,
        workers: usize,
    ) -> Self {
        let lock = (lock.file.clone(), lock.text.clone());
        let hello = Hello { images: images.to_owned(), lock, limits: limits.clone() };
        let workers = workers.clamp(1, Self::MAX_WORKERS);
        Pool { command: Box::new(command), hello, workers, children: Mutex::default() }
    }

    /// Judges tasks, which it takes one by one, and calls `done` with what each is known by to the caller and
    /// its judgement, in no certain order. Raising `cancel` ends it at once.
    ///
    /// # Errors
    /// A [`PoolError`] if no worker can be had any more. As long as there is one, it takes over the tasks of
    /// those that died and could not be replaced.
    pub fn judge<I: Send>(
        &self,
        tasks: impl Iterator<Item = (I, Task)> + Send,
        cancel: &AtomicBool,
        done: &mut dyn FnMut(I, Judgement),
    ) -> Result<(), PoolError> {
        let tasks = Mutex::new(Tasks { returned: Vec::new(), rest: tasks.fuse() });
        loop {
            let mut judged = false;
            let failure = self.round(&tasks, cancel, &mut |id, judgement| {
                judged = true;
                done(id, judgement);
            });
            let Some(error) = failure else { return Ok(()) };
            // A worker that was killed while it started, because the work is cancelled, is no failure. A task
            // may be left that was returned when the other workers had ended already.
            if cancel.load(Ordering::Relaxed) || !locked(&tasks).are_left() {
                return Ok(());
            }
            if !judged {
                return Err(error);
            }
        }
    }

    /// Judges until there are no more tasks or no more workers. Gives why the first worker could not be had
    /// of those that could not.
    fn round<I: Send>(
        &self,
        tasks: &Mutex<Tasks<I, impl Iterator<Item = (I, Task)> + Send>>,
        cancel: &AtomicBool,
        done: &mut dyn FnMut(I, Judgement),
    ) -> Option<PoolError> {
        let mut failure = None;
        std::thread::scope(|scope| {
            let (sender, results) = channel();
            for _ in 0..self.workers {
                let sender = sender.clone();
                let thread = std::thread::Builder::new();
                if let Err(error) = thread.spawn_scoped(scope, move || self.work(tasks, cancel, &sender)) {
                    failure = Some(PoolError::Start(error));
                    break;
                }
            }
            drop(sender);
            loop {
                match results.recv_timeout(WATCH) {
                    Ok(Ok((id, judgement))) => done(id, judgement),
                    Ok(Err(error)) => failure = failure.take().or(Some(error)),
                    Err(RecvTimeoutError::Timeout) if cancel.load(Ordering::Relaxed) => self.kill_workers(),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        });
        failure
    }

    /// Ends the workers: a test may take minutes, and nobody waits for it any more.
    fn kill_workers(&self) {
        for child in locked(&self.children).iter().filter_map(Weak::upgrade) {
            _ = locked(&child).kill();
        }
    }

    /// One worker's share, until there are no more tasks.
    fn work<I>(
        &self,
        tasks: &Mutex<Tasks<I, impl Iterator<Item = (I, Task)>>>,
        cancel: &AtomicBool,
        results: &Sender<Result<(I, Judgement), PoolError>>,
    ) {
        let mut worker = None;
        while !cancel.load(Ordering::Relaxed) {
            let Some((id, task)) = locked(tasks).next() else { return };
            let sent = match self.judge_one(&mut worker, &task, cancel) {
                Ok(Some(judgement)) => results.send(Ok((id, judgement))),
                Ok(None) => return,
                Err(error) => {
                    locked(tasks).returned.push((id, task));
                    _ = results.send(Err(error));
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }

    /// Judges one task, with a new worker whenever the last one died; `None` if cancelled.
    fn judge_one(
        &self,
        worker: &mut Option<Worker>,
        task: &Task,
        cancel: &AtomicBool,
    ) -> Result<Option<Judgement>, PoolError> {
        let stateful = task.judge.is_stateful();
        let failure = || TestResult::failure("the worker process died on this test, twice");
        let mut tests: Vec<TestResult> = Vec::new();
        let mut attempts = 0;
        loop {
            let current = match worker {
                Some(worker) => worker,
                None => worker.insert(self.start()?),
            };
            let from = tests.len();
            let rest;
            let asked = match from {
                0 => task,
                _ => {
                    let (judge, program) = (task.judge, task.program.clone());
                    rest = Task { judge, program, tests: task.tests.skip(from) };
                    &rest
                }
            };
            let ended = current.judge(asked, cancel, &mut tests);
            let done = tests.len() == task.tests.len();
            if !(ended && done) {
                *worker = None;
            }
            if done {
                return Ok(Some(summarize(tests)));
            }
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            attempts = if tests.len() > from && !stateful { 1 } else { attempts + 1 };
            if stateful {
                tests.clear();
            }
            if attempts < ATTEMPTS {
                continue;
            }
            attempts = 0;
            if stateful {
                tests.resize_with(task.tests.len(), failure);
            } else {
                tests.push(failure());
            }
            if tests.len() == task.tests.len() {
                return Ok(Some(summarize(tests)));
            }
        }
    }

    /// A worker that is ready; one that dies before it is gets a second chance, as a test does.
    fn start(&self) -> Result<Worker, PoolError> {
        match self.try_to_start() {
            Err(PoolError::Died) => self.try_to_start(),
            started => started,
        }
    }

    fn try_to_start(&self) -> Result<Worker, PoolError> {
        let mut command = (self.command)();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C at a keyboard goes to a whole group of processes. In one of its own, a worker ends when this
        // process says so.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(PoolError::Start)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(PoolError::Start(io::Error::other("it has no pipes")));
        };
        let child = Arc::new(Mutex::new(child));
        let mut children = locked(&self.children);
        children.retain(|child| child.strong_count() > 0);
        children.push(Arc::downgrade(&child));
        drop(children);
        let mut worker = Worker { child, input, output: BufReader::new(output) };
        worker.send(&self.hello).map_err(|_| PoolError::Died)?;
        match read_line(&mut worker.output) {
            Some(Line::Ready) => Ok(worker),
            Some(Line::Unable { message, remedy }) => Err(PoolError::Unable { message, remedy }),
            _ => Err(PoolError::Died),
        }
    }
}

/// A running worker process; it ends when this is dropped.
struct Worker {
    child: Arc<Mutex<Child>>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Writes a line. It is never in memory as a whole: a task's may have tens of megabytes.
    fn send(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut input = BufWriter::new(&mut self.input);
        serde_json::to_writer(&mut input, line)?;
        input.write_all(b"\n")?;
        input.flush()
    }

    /// Has a task judged; false if the worker died. Results up to then are kept.
    fn judge(&mut self, task: &Task, cancel: &AtomicBool, tests: &mut Vec<TestResult>) -> bool {
        self.send(task).is_ok() && read_results(&mut self.output, task.tests.len(), cancel, tests)
    }
}

/// The next line of a worker; `None` if it has died or writes what is no line.
pub(crate) fn read_line(output: &mut impl BufRead) -> Option<Line> {
    let mut line = String::new();
    output.read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

/// Reads the results of a task up to its end; false if the worker died, if it gave more results than the task
/// has tests, or if nobody waits for them any more.
pub(crate) fn read_results(
    output: &mut impl BufRead,
    most: usize,
    cancel: &AtomicBool,
    tests: &mut Vec<TestResult>,
) -> bool {
    let most = tests.len() + most;
    while !cancel.load(Ordering::Relaxed) {
        match read_line(output) {
            Some(Line::Test(result)) if tests.len() < most => tests.push(result),
            Some(Line::End) => return true,
            _ => return false,
        }
    }
    false
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be in the middle of a test; nobody waits for it any more.
        let mut child = locked(&self.child);
        _ = child.kill();
        _ = child.wait();
    }
}
