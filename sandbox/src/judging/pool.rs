//! Judging on all cores: one process per worker.
//!
//! Guests of one process share an address space, and mapping, faulting and unmapping pages in it from several
//! threads is slower than from one. Processes do not hinder each other, and what kills one does not kill the
//! others: it is replaced, and the test that it died on is tried once more.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::BufRead;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::job::{Finding, Job};
use super::process::{PoolError, Process, Starter, Worker, locked};
use super::protocol::{Hello, Line, read_line};
use crate::grade::Grade;
use crate::judges::Task;
use crate::verdict::{Judgement, TestResult};

/// How often a test is tried on which a worker dies.
const ATTEMPTS: u32 = 2;

/// How often it is looked whether the work is stopped.
const WATCH: Duration = Duration::from_millis(50);

/// A worker gets as many jobs at once as take about this long, so that waiting for the next ones costs
/// little, and at most so many.
const BATCH_TIME: Duration = Duration::from_millis(100);
const MAX_BATCH: usize = 64;

/// Processes that do jobs side by side. What comes of a job does not depend on how many there are.
///
/// They are started when there are jobs for them, are kept for later calls of [`work`](Self::work), and end
/// with the pool.
pub(crate) struct Pool {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    hello: Hello,
    /// Workers that nobody uses now. (They are ended before the thread that started them.)
    idle: Mutex<Vec<Worker>>,
    starter: Starter,
}

/// A job that is not finished.
pub(crate) struct Open<I> {
    pub(crate) id: I,
    pub(crate) job: Job,
    /// Results of its first tests, from workers that died later.
    pub(crate) results: Vec<TestResult>,
    /// How many of those there were when a worker last got it.
    sent: usize,
    /// How many workers have died on the test that is next.
    deaths: u32,
}

impl<I> Open<I> {
    pub(crate) fn new(id: I, job: Job) -> Self {
        Open { id, job, results: Vec::new(), sent: 0, deaths: 0 }
    }

    /// What is left to do.
    fn rest(&self) -> Cow<'_, Job> {
        match &self.job {
            Job::Judge(task) if !self.results.is_empty() => {
                let (tests, program) = (task.tests.skip(self.results.len()), task.program.clone());
                Cow::Owned(Job::Judge(Task { tests, program, ..*task }))
            }
            job => Cow::Borrowed(job),
        }
    }

    /// Notes that a worker died on it. After the last attempt, the test that is next is the judge's failure,
    /// or all of them where one interpreter serves all. Gives what came of the job if that ends it.
    fn died(&mut self) -> Option<Finding> {
        const MESSAGE: &str = "the worker process died on this test, twice";
        let Job::Judge(task) = &self.job else {
            self.deaths += 1;
            let given_up = self.deaths == ATTEMPTS;
            return given_up
                .then(|| Finding::Graded(Grade::failure("the worker process died on this answer, twice")));
        };
        let stateful = task.judge.is_stateful();
        if !task.is_done(&self.results) {
            let got_on = self.results.len() > self.sent && !stateful;
            self.deaths = if got_on { 1 } else { self.deaths + 1 };
            if stateful {
                self.results.clear();
            }
            if self.deaths == ATTEMPTS {
                self.deaths = 0;
                let failures = if stateful { task.tests.len() } else { 1 };
                self.results.extend((0..failures).map(|_| TestResult::failure(MESSAGE)));
            }
        }
        let done = task.is_done(&self.results);
        done.then(|| Finding::Judged(Judgement::of(std::mem::take(&mut self.results))))
    }
}

/// Jobs that no worker has: first those that were handed back because a worker could not be started, then
/// those that were never handed out.
struct Queue<I, R> {
    returned: Vec<Open<I>>,
    rest: R,
}

impl<I, R: Iterator<Item = (I, Job)>> Queue<I, R> {
    fn next(&mut self) -> Option<Open<I>> {
        self.returned.pop().or_else(|| self.rest.next().map(|(id, job)| Open::new(id, job)))
    }

    fn is_empty(&mut self) -> bool {
        let next = self.next();
        self.returned.extend(next);
        self.returned.is_empty()
    }
}

impl Pool {
    /// The most workers of one call of [`work`](Self::work).
    pub(crate) const MAX_WORKERS: usize = 256;

    /// A pool without processes. `command` starts one that calls [`serve`](super::serve) with its standard
    /// input and output.
    pub(crate) fn new(command: Box<dyn Fn() -> Command + Send + Sync>, hello: Hello) -> Self {
        Pool { command, hello, idle: Mutex::default(), starter: Starter::default() }
    }

    /// Does jobs, which it takes one by one, with at most `workers` processes (at least 1 and at most
    /// [`MAX_WORKERS`](Self::MAX_WORKERS)), and calls `done` with what each is known by to the caller and what
    /// came of it, in no certain order. Once `stopped` says so it ends at once: the processes that are at work
    /// are killed.
    ///
    /// # Errors
    /// A [`PoolError`] if no worker can be had any more. As long as there is one, it takes over the jobs of
    /// those that died and could not be replaced.
    pub(crate) fn work<I: Send>(
        &self,
        jobs: impl Iterator<Item = (I, Job)> + Send,
        workers: usize,
        stopped: &(dyn Fn() -> bool + Sync),
        done: &mut dyn FnMut(I, Finding),
    ) -> Result<(), PoolError> {
        let queue = Mutex::new(Queue { returned: Vec::new(), rest: jobs.fuse() });
        loop {
            let mut some = false;
            let failure = self.round(&queue, workers, stopped, &mut |id, finding| {
                some = true;
                done(id, finding);
            });
            let Some(error) = failure else { return Ok(()) };
            // A worker that was killed while it started, because the work is stopped, is no failure. A job may
            // be left that was handed back when the other workers had ended already.
            if stopped() || locked(&queue).is_empty() {
                return Ok(());
            }
            if !some {
                return Err(error);
            }
        }
    }

    /// Works until there are no more jobs or no more workers. Gives why a worker could not be had, the first
    /// time that this happened.
    fn round<I: Send, R: Iterator<Item = (I, Job)> + Send>(
        &self,
        queue: &Mutex<Queue<I, R>>,
        workers: usize,
        stopped: &(dyn Fn() -> bool + Sync),
        done: &mut dyn FnMut(I, Finding),
    ) -> Option<PoolError> {
        let workers = workers.clamp(1, Self::MAX_WORKERS);
        let busy: Vec<Mutex<Option<Process>>> = (0..workers).map(|_| Mutex::default()).collect();
        let mut failure = None;
        std::thread::scope(|scope| {
            let (sender, results) = channel();
            for process in &busy {
                let share = Share { pool: self, queue, stopped, process, results: sender.clone() };
                let thread = std::thread::Builder::new();
                if let Err(error) = thread.spawn_scoped(scope, move || share.work()) {
                    failure = Some(PoolError::Start(error));
                    break;
                }
            }
            drop(sender);
            loop {
                match results.recv_timeout(WATCH) {
                    Ok(Ok((id, finding))) => done(id, finding),
                    Ok(Err(error)) => failure = failure.take().or(Some(error)),
                    // A test may take minutes, and nobody waits for it any more.
                    Err(RecvTimeoutError::Timeout) if stopped() => {
                        busy.iter().filter_map(|process| locked(process).clone()).for_each(|one| one.kill());
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        });
        failure
    }
}

/// What one worker does of the work of a round.
struct Share<'a, I, R> {
    pool: &'a Pool,
    queue: &'a Mutex<Queue<I, R>>,
    stopped: &'a (dyn Fn() -> bool + Sync),
    /// The worker's process, so that it can be ended while it is busy.
    process: &'a Mutex<Option<Process>>,
    results: Sender<Result<(I, Finding), PoolError>>,
}

impl<I: Send, R: Iterator<Item = (I, Job)>> Share<'_, I, R> {
    /// Works until there are no more jobs.
    fn work(&self) {
        let (mut worker, mut size) = (None, 1);
        while !(self.stopped)() {
            let Some(first) = locked(self.queue).next() else { break };
            let mut batch = VecDeque::from([first]);
            if let Err(error) = self.work_on(&mut worker, &mut batch, &mut size) {
                locked(self.queue).returned.extend(batch);
                _ = self.results.send(Err(error));
                break;
            }
        }
        *locked(self.process) = None;
        if let Some(worker) = worker.filter(|_| !(self.stopped)()) {
            locked(&self.pool.idle).push(worker);
        }
    }

    /// Adds jobs to the batch up to this size, and has all of them done, by a new worker whenever the last one
    /// died. Then sets the size of the next batch. If the work is stopped, jobs are left.
    fn work_on(
        &self,
        worker: &mut Option<Worker>,
        batch: &mut VecDeque<Open<I>>,
        size: &mut usize,
    ) -> Result<(), PoolError> {
        // Jobs are taken only when there is a worker for them.
        if worker.is_none() {
            *worker = Some(self.hire()?);
        }
        while batch.len() < *size {
            let Some(open) = locked(self.queue).next() else { break };
            batch.push_back(open);
        }
        let (count, started) = (batch.len() as u32, Instant::now());
        while !batch.is_empty() && !(self.stopped)() {
            let current = match worker {
                Some(worker) => worker,
                None => worker.insert(self.hire()?),
            };
            let mut done = |id, finding| _ = self.results.send(Ok((id, finding)));
            if exchange(current, batch, self.stopped, &mut done)? {
                continue;
            }
            *worker = None;
            if (self.stopped)() {
                break;
            }
            let finding = batch.front_mut().and_then(Open::died);
            if let (Some(finding), Some(open)) = (&finding, batch.pop_front_if(|_| finding.is_some())) {
                done(open.id, finding.clone());
            }
        }
        let fitting = BATCH_TIME.as_nanos() / (started.elapsed() / count).as_nanos().max(1);
        *size = (fitting as usize).clamp(1, (2 * *size).min(MAX_BATCH));
        Ok(())
    }

    /// A worker that is ready: one that nobody uses, else a new one. One that dies before it is ready gets a
    /// second chance, as a test does.
    fn hire(&self) -> Result<Worker, PoolError> {
        while let Some(idle) = { locked(&self.pool.idle).pop() } {
            if idle.is_alive() {
                *locked(self.process) = Some(idle.process());
                return Ok(idle);
            }
        }
        match self.start() {
            Err(PoolError::Died) => self.start(),
            started => started,
        }
    }

    fn start(&self) -> Result<Worker, PoolError> {
        let mut worker = Worker::spawn(&self.pool.starter, (self.pool.command)())?;
        *locked(self.process) = Some(worker.process());
        worker.greet(&self.pool.hello)?;
        Ok(worker)
    }
}

/// Has a worker do the jobs of a batch, and takes off those that are done; false if it has died or broke the
/// protocol: then the first job that is left is the one that it was at.
fn exchange<I>(
    worker: &mut Worker,
    batch: &mut VecDeque<Open<I>>,
    stopped: &(dyn Fn() -> bool + Sync),
    done: &mut dyn FnMut(I, Finding),
) -> Result<bool, PoolError> {
    for open in batch.iter_mut() {
        open.sent = open.results.len();
    }
    let jobs: Vec<Cow<'_, Job>> = batch.iter().map(Open::rest).collect();
    let jobs: Vec<&Job> = jobs.iter().map(AsRef::as_ref).collect();
    Ok(worker.send(&jobs) && read_findings(&mut worker.output, batch, stopped, done)?)
}

/// Reads what a worker writes about a batch; false if it died, wrote what it must not, or if nobody waits for
/// it any more. What it wrote before counts.
pub(crate) fn read_findings<I>(
    output: &mut impl BufRead,
    batch: &mut VecDeque<Open<I>>,
    stopped: &(dyn Fn() -> bool + Sync),
    done: &mut dyn FnMut(I, Finding),
) -> Result<bool, PoolError> {
    while let Some(open) = batch.front_mut() {
        if stopped() {
            return Ok(false);
        }
        let finding = match (read_line(output), &open.job) {
            (Some(Line::Test(result)), Job::Judge(task)) if !task.is_done(&open.results) => {
                open.results.push(result);
                continue;
            }
            (Some(Line::End), Job::Judge(task)) if task.is_done(&open.results) => {
                Finding::Judged(Judgement::of(std::mem::take(&mut open.results)))
            }
            (Some(Line::Graded(grade)), Job::Grade { .. }) => Finding::Graded(grade),
            (Some(Line::Unable { message, remedy }), _) => {
                return Err(PoolError::Unable { message, remedy });
            }
            _ => return Ok(false),
        };
        if let Some(open) = batch.pop_front() {
            done(open.id, finding);
        }
    }
    Ok(true)
}
