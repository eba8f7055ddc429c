//! Judging on all cores: one process per worker.
//!
//! Guests of one process share an address space, and mapping, faulting and unmapping pages in it from several
//! threads is slower than from one. Processes do not hinder each other, and what kills one does not kill the
//! others: it is replaced, and the test that it was at is tried once more.

mod worker;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use camino::Utf8Path;

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
    hello: String,
    workers: usize,
    /// The processes that run, so that they can be ended while they are busy.
    children: Mutex<Vec<Weak<Mutex<Child>>>>,
}

/// Why the pool could not judge.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A worker could not be started.
    #[error("a worker could not be started")]
    Start(#[source] std::io::Error),
    /// A worker started but cannot work.
    #[error("a worker cannot work: {0}")]
    Unable(String),
    /// A worker died before it was ready, twice.
    #[error("a worker process died before it was ready")]
    Died,
}

impl Pool {
    /// A pool of `workers` processes. `command` starts a process that calls [`serve`] with its standard input
    /// and output; the image that `lock` pins must be in the folder `images`.
    pub fn new(
        command: impl Fn() -> Command + Sync + 'static,
        images: &Utf8Path,
        lock: &ImageLock,
        limits: &Limits,
        workers: usize,
    ) -> Self {
        let lock = (lock.file.clone(), lock.text.clone());
        let hello = Hello { images: images.to_owned(), lock, limits: limits.clone() };
        // A struct of texts and numbers has a JSON form.
        let hello = serde_json::to_string(&hello).unwrap_or_default();
        Pool { command: Box::new(command), hello, workers: workers.max(1), children: Mutex::default() }
    }

    /// Judges tasks, which it takes one by one, and calls `done` with the number of each and its judgement,
    /// in no certain order. Raising `cancel` ends it at once.
    ///
    /// # Errors
    /// A [`PoolError`] if no worker can be had. A worker that dies later is replaced.
    pub fn judge(
        &self,
        tasks: impl Iterator<Item = Task> + Send,
        cancel: &AtomicBool,
        done: &mut dyn FnMut(usize, Judgement),
    ) -> Result<(), PoolError> {
        let tasks = Mutex::new(tasks.enumerate());
        let (sender, results) = channel();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..self.workers {
                let (tasks, sender) = (&tasks, sender.clone());
                scope.spawn(move || self.work(tasks, cancel, &sender));
            }
            drop(sender);
            scope.spawn(|| self.watch(cancel, &over));
            let mut failure = None;
            for result in results {
                match result {
                    Ok((index, judgement)) => done(index, judgement),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            over.store(true, Ordering::Relaxed);
            failure.map_or(Ok(()), Err)
        })
    }

    /// Ends the workers when it is cancelled: a test may take minutes, and nobody waits for it any more.
    fn watch(&self, cancel: &AtomicBool, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            if cancel.load(Ordering::Relaxed) {
                let children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
                for child in children.iter().filter_map(Weak::upgrade) {
                    _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
                }
            }
            std::thread::sleep(WATCH);
        }
    }

    /// One worker's share, until there are no more tasks.
    fn work(
        &self,
        tasks: &Mutex<impl Iterator<Item = (usize, Task)>>,
        cancel: &AtomicBool,
        results: &Sender<Result<(usize, Judgement), PoolError>>,
    ) {
        let mut worker = None;
        while !cancel.load(Ordering::Relaxed) {
            let next = tasks.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, task)) = next else { return };
            let result = match self.judge_one(&mut worker, &task, cancel) {
                Ok(Some(judgement)) => Ok((index, judgement)),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            let failed = result.is_err();
            if results.send(result).is_err() || failed {
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
                    rest = Task { tests: task.tests.skip(from), ..task.clone() };
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
            // An interrupt from the keyboard reaches the workers too.
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
        let mut child = (self.command)()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(PoolError::Start)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(PoolError::Unable("it has no pipes".to_owned()));
        };
        let child = Arc::new(Mutex::new(child));
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain(|child| child.strong_count() > 0);
        children.push(Arc::downgrade(&child));
        drop(children);
        let mut worker = Worker { child, input, output: BufReader::new(output) };
        worker.send(&self.hello).map_err(|_| PoolError::Died)?;
        match read_line(&mut worker.output) {
            Some(Line::Ready) => Ok(worker),
            Some(Line::Unable(message)) => Err(PoolError::Unable(message)),
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
    fn send(&mut self, line: &str) -> std::io::Result<()> {
        self.input.write_all(line.as_bytes())?;
        self.input.write_all(b"\n")?;
        self.input.flush()
    }

    /// Has a task judged; false if the worker died. Results up to then are kept.
    fn judge(&mut self, task: &Task, cancel: &AtomicBool, tests: &mut Vec<TestResult>) -> bool {
        let Ok(text) = serde_json::to_string(task) else { return false };
        self.send(&text).is_ok() && read_results(&mut self.output, task.tests.len(), cancel, tests)
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
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        _ = child.kill();
        _ = child.wait();
    }
}
