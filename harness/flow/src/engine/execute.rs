//! Runs a graph: steps start when their inputs are there and the budget allows it.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use assay_store::{Hash, Hasher, RunId, RunStatus, Store, StoreError};

use crate::engine::conclude::{close, outcome};
use crate::engine::error::{FlowError, StepFailure};
use crate::engine::event::{Event, EventLog, Observer, Record, SavedBy};
use crate::engine::outcome::{How, JoinedOutcome, Outcome};
use crate::engine::plan::{Decider, Plan};
use crate::engine::reason::Reason;
use crate::engine::schedule::{Budget, Priorities};
use crate::engine::state::{Progress, States};
use crate::engine::work::{Goal, Work};
use crate::engine::worker::{Ended, Job, Signals};
use crate::kind::Resources;
use crate::kind::error::StepError;
use crate::kind::facts::Facts;
use crate::language::graph::Graph;
use crate::language::joined::JoinedGraph;

/// Step threads get the stack that main threads usually have; spawned ones get less by default.
const STACK: usize = 8 << 20;

/// Letters of a run's name.
const RUN_LETTERS: usize = 16;

/// What a run may use, and who is told of it.
#[derive(Clone)]
pub struct Options<'a> {
    /// Threads that steps may keep busy together.
    pub threads: usize,
    /// Memory that steps may use together, in MiB.
    pub memory_mb: u64,
    /// Facts about machine and set-up, from which each kind picks those that change its results.
    pub facts: Facts,
    /// Whether every output that is in the store is read and checked before it counts as there. Without it, only the
    /// targets' are, and what steps that run take as inputs.
    pub verify: bool,
    /// Raised by the caller to stop the run, for instance on Ctrl-C.
    pub cancel: &'a AtomicBool,
    /// Sees every event as it happens.
    pub observer: &'a dyn Observer,
}

/// Runs what [`plan`](crate::plan) says, until the target's output is in the store.
///
/// In a store that cannot be written, it gives what is there without a record of the run, if nothing has to run.
///
/// A step's failure does not stop steps that don't depend on it. A raised cancel flag stops new steps, and
/// running ones as soon as they notice.
///
/// # Errors
/// [`FlowError::Failed`] if steps failed, [`FlowError::Interrupted`] if the cancel flag was raised before the
/// target was done, [`FlowError::Store`] if the store failed outside a step. Outputs that were finished
/// before the error stay in the store.
pub fn execute(graph: &Graph, store: &Store, options: &Options<'_>) -> Result<Outcome, FlowError> {
    let mut outcome = run(&Work::from(graph), store, options, &mut |_, _| {})?;
    let only = outcome.recipes.pop();
    only.unwrap_or_else(|| Err(FlowError::Internal("a run of a recipe ended without one".into())))
}

/// Runs several recipes, as [`execute`] runs one, in one run: until each target's output is in the store, or cannot be
/// made. A step that fails fails the recipes that need it, and the others go on. Where it costs no time, the earliest
/// recipe is finished first.
///
/// `finished` is called with the index of a recipe as soon as what it wants is there, during the run. It is called again
/// should an artefact behind it be found damaged and be made anew.
///
/// # Errors
/// [`FlowError::Interrupted`] if the cancel flag was raised before all was done, [`FlowError::Store`] if the store failed
/// outside a step. Failed steps are in the result.
pub fn execute_joined(
    graph: &JoinedGraph,
    store: &Store,
    options: &Options<'_>,
    finished: &mut dyn FnMut(usize, Outcome),
) -> Result<JoinedOutcome, FlowError> {
    run(&Work::from(graph), store, options, finished)
}

fn run(
    work: &Work<'_>,
    store: &Store,
    options: &Options<'_>,
    finished: &mut dyn FnMut(usize, Outcome),
) -> Result<JoinedOutcome, FlowError> {
    let before = last_of(work, store)?;
    // In a store that cannot be written nothing can run, but what is there can be used.
    let recorded = !store.is_read_only();
    let run = if recorded { store.begin_run(&work.title())? } else { unrecorded()? };
    let (observer, started) = (options.observer, Instant::now());
    let mut log = EventLog { store, run, recorded, repeats: None, observer, started };
    // Planned within the run: while it is alive, garbage collection takes away nothing that was found.
    let decider = Decider::new(work, store, &options.facts).verifying(options.verify);
    let planned = decider.plan().and_then(|planned| match recorded || planned.is_done() {
        true => Ok(planned),
        false => Err(StoreError::ReadOnly { path: store.root().to_owned() }),
    });
    match planned {
        Ok(planned) => {
            log.repeats = before.filter(|_| planned.is_done());
            let mut run = Run::new(work, options, &log, decider, &planned);
            let result = run.go(finished);
            run.end(result)
        }
        Err(error) => {
            // The error that stopped the run says more than a failure to record its end.
            let _ = log.finish(RunStatus::Failed);
            Err(error.into())
        }
    }
}

/// A name for a run that no store knows.
fn unrecorded() -> Result<RunId, FlowError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hasher = Hasher::new("assay unrecorded run");
    hasher.u64("nanoseconds", u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    let digits = hasher.finish().to_string();
    // Runs are named by letters that no hash has.
    let letter = |digit: char| char::from(b'k' + digit.to_digit(16).map_or(0, |value| value as u8));
    let name: String = digits.chars().take(RUN_LETTERS).map(letter).collect();
    name.parse().map_err(|error| FlowError::Internal(format!("a run cannot be named: {error}")))
}

/// The run that did this work before, if it was the last one of all and succeeded, or the one that it repeats: then what it
/// noted about steps and their parameters is as it left it.
fn last_of(work: &Work<'_>, store: &Store) -> Result<Option<RunId>, StoreError> {
    let Some((run, RunStatus::Succeeded, Some(line))) = store.last_run()? else { return Ok(None) };
    Ok(match Record::from_json(&line).map(|record| record.event) {
        Ok(Event::RunStarted { files, repeats, .. }) if files == Some(work.files) => {
            Some(repeats.unwrap_or(run))
        }
        _ => None,
    })
}

struct Run<'a> {
    work: &'a Work<'a>,
    plan: &'a Plan,
    options: &'a Options<'a>,
    log: &'a EventLog<'a>,
    decider: Decider<'a>,
    priorities: Priorities,
    budget: Budget,
    /// What each step gets while it runs, as far as that was asked.
    granted: Vec<OnceCell<Resources>>,
    states: States<'a>,
    failures: Vec<(usize, StepFailure)>,
    /// For each recipe, the output that was announced.
    announced: Vec<Option<Hash>>,
}

impl<'a> Run<'a> {
    fn new(
        work: &'a Work<'a>,
        options: &'a Options<'a>,
        log: &'a EventLog<'a>,
        decider: Decider<'a>,
        plan: &'a Plan,
    ) -> Self {
        Self {
            work,
            plan,
            options,
            log,
            decider,
            priorities: Priorities::new(work),
            granted: vec![OnceCell::new(); work.steps.len()],
            budget: Budget::new(options.threads, options.memory_mb),
            states: States::new(work, plan),
            failures: Vec::new(),
            announced: vec![None; work.goals.len()],
        }
    }

    fn go(&mut self, finished: &mut dyn FnMut(usize, Outcome)) -> Result<(), FlowError> {
        let (options, work) = (self.options, self.work);
        let recipes: Vec<&str> = work.goals.iter().map(|goal| goal.recipe).collect();
        let targets: Vec<&str> = work.goals.iter().map(|goal| work.steps[goal.target].id.as_str()).collect();
        self.log.append(Event::RunStarted {
            run: self.log.run,
            recipe: recipes.join(" "),
            scale: work.scale.name.clone(),
            sets: work.scale.sets.clone(),
            target: targets.join(" "),
            threads: options.threads,
            memory_mb: options.memory_mb,
            facts: options.facts.clone(),
            files: Some(work.files),
            repeats: self.log.repeats,
        })?;
        let planned = Event::Planned { steps: self.plan.entries().to_vec() };
        match self.log.repeats {
            Some(_) => self.log.append_short(Event::Planned { steps: Vec::new() }, planned)?,
            None => self.log.append(planned)?,
        }
        // Raised when the run cannot go on, so that running steps stop.
        let abort = AtomicBool::new(false);
        let signals = Signals { cancel: options.cancel, abort: &abort };
        thread::scope(|scope| {
            let result = self.run_steps(scope, signals, finished);
            if result.is_err() {
                abort.store(true, Ordering::Relaxed);
            }
            result
        })
    }

    /// Starts steps and takes in their results until nothing is left to do.
    fn run_steps<'s>(
        &mut self,
        scope: &'s thread::Scope<'s, '_>,
        signals: Signals<'s>,
        finished: &mut dyn FnMut(usize, Outcome),
    ) -> Result<(), FlowError>
    where
        'a: 's,
    {
        let (sender, receiver) = mpsc::channel();
        loop {
            self.settle()?;
            self.announce(finished)?;
            while let Some(index) = self.next(signals) {
                let job = self.start(index, signals)?;
                let sender = sender.clone();
                thread::Builder::new()
                    .name(self.work.steps[index].id.clone())
                    .stack_size(STACK)
                    // There is no receiver only if the run has failed, and then the result is not needed.
                    .spawn_scoped(scope, move || _ = sender.send((index, job.run())))
                    .map_err(|error| FlowError::Thread { source: error })?;
            }
            if self.budget.running() == 0 {
                return self.check_end(signals);
            }
            let Ok((index, ended)) = receiver.recv() else {
                return Err(FlowError::Internal("a step's thread ended without a result".into()));
            };
            let granted = self.granted(index).clone();
            self.budget.give_back(&granted);
            self.finish(index, ended)?;
        }
    }

    /// Nothing runs and nothing can start: that has to have a reason.
    fn check_end(&self, signals: Signals<'_>) -> Result<(), FlowError> {
        let made = |goal: &Goal<'_>| self.states.outputs()[goal.target].is_some();
        let done = self.work.goals.iter().all(made);
        if done || !self.failures.is_empty() || signals.raised() {
            return Ok(());
        }
        Err(FlowError::Internal("no step can start, and not all targets are done".into()))
    }

    /// Decides about waiting steps whose inputs have become known.
    fn settle(&mut self) -> Result<(), StoreError> {
        while let Some(index) = self.states.take_undecided() {
            let damaged = self.states.damaged(index);
            let entry = self.decider.decide(index, self.states.outputs(), damaged)?;
            match (entry.output, entry.key) {
                (Some(output), Some(key)) => {
                    let (step, by) = (entry.step.clone(), self.states.saved_by(&key));
                    self.log.append(Event::StepSaved { step, key, output, by })?;
                    self.states.set_done(index, entry, output, How::Saved(by));
                }
                _ => self.states.set_ready(index, entry),
            }
        }
        Ok(())
    }

    /// Tells of the recipes whose targets have been made since it was last called.
    fn announce(&mut self, finished: &mut dyn FnMut(usize, Outcome)) -> Result<(), FlowError> {
        let Self { work, plan, log, states, failures, announced, .. } = self;
        for (recipe, (goal, announced)) in work.goals.iter().zip(announced).enumerate() {
            let output = states.outputs()[goal.target];
            if std::mem::replace(announced, output) == output {
                continue;
            }
            let Some(output) = output else { continue };
            if work.goals.len() > 1 {
                let (recipe, target) = (goal.recipe.to_owned(), work.steps[goal.target].id.clone());
                log.append(Event::RecipeFinished { recipe, target, output })?;
            }
            finished(recipe, outcome(work, goal, log, plan, states, failures)?);
        }
        Ok(())
    }

    /// Closes the run; `result` is how its steps ended.
    fn end(self, result: Result<(), FlowError>) -> Result<JoinedOutcome, FlowError> {
        let Self { work, plan, log, states, failures, .. } = self;
        close(work, log, &states, failures.len(), result)?;
        let of = |goal: &Goal<'_>| outcome(work, goal, log, plan, &states, &failures);
        let recipes: Vec<Result<Outcome, FlowError>> = work.goals.iter().map(of).collect();
        if let Some(Err(FlowError::Interrupted { run })) =
            recipes.iter().find(|recipe| matches!(recipe, Err(FlowError::Interrupted { .. })))
        {
            return Err(FlowError::Interrupted { run: *run });
        }
        let how = |step: &Progress| match step {
            Progress::Done(_, how) => Some(*how),
            _ => None,
        };
        Ok(JoinedOutcome {
            run: log.run,
            repeats: log.repeats,
            recipes,
            failures: failures.into_iter().map(|(_, failure)| failure).collect(),
            steps: states.all().iter().map(how).collect(),
            seconds: log.started.elapsed().as_secs_f64(),
        })
    }

    /// What a step gets while it runs.
    fn granted(&self, index: usize) -> &Resources {
        let step = &self.work.steps[index];
        self.granted[index].get_or_init(|| self.budget.granted(step.kind.resources(&step.params)))
    }

    /// The next step to start, if one can.
    fn next(&self, signals: Signals<'_>) -> Option<usize> {
        if signals.raised() {
            return None;
        }
        let can_start = |index: usize| self.states.can_start(index) && self.budget.fits(self.granted(index));
        self.priorities.first(self.states.left(), self.options.threads.max(1), can_start)
    }

    fn start<'j>(&mut self, index: usize, signals: Signals<'j>) -> Result<Job<'j>, FlowError>
    where
        'a: 'j,
    {
        let entry = self.states.start(index)?;
        let (Some(key), Some(description)) = (entry.key, entry.description) else {
            return Err(FlowError::Internal("a step was started whose key is not known".into()));
        };
        for reason in &entry.reasons {
            if let Reason::Corrupt { hash } = reason {
                self.set_aside(index, hash)?;
            }
        }
        self.log.append(Event::StepStarted { step: entry.step, key, reasons: entry.reasons })?;
        let granted = self.granted(index).clone();
        // Where nothing runs and nothing else is ready, nothing can start before this step ends.
        let threads = match self.budget.running() == 0 && !self.states.has_ready() {
            true => self.options.threads.max(1),
            false => granted.threads,
        };
        self.budget.take(&granted);
        Ok(Job {
            work: self.work,
            log: self.log,
            signals,
            index,
            key,
            description,
            facts: &self.options.facts,
            outputs: self.states.outputs().to_vec(),
            threads,
        })
    }

    /// Takes a damaged object out of use, so that no lookup finds it any more.
    fn set_aside(&self, producer: usize, hash: &Hash) -> Result<(), StoreError> {
        if self.log.store.forget(hash)? {
            let step = self.work.steps[producer].id.clone();
            self.log.append(Event::ObjectCorrupt { step, hash: *hash })?;
        }
        Ok(())
    }

    fn finish(&mut self, index: usize, ended: Ended) -> Result<(), FlowError> {
        let entry = self.states.stop(index)?;
        let Some(key) = entry.key else {
            return Err(FlowError::Internal("a step ran without a key".into()));
        };
        match ended {
            Ended::Made { output, seconds } => {
                let step = entry.step.clone();
                self.log.append(Event::StepFinished { step, key, output, seconds })?;
                self.states.set_done(index, entry, output, How::Ran { seconds });
            }
            Ended::Found { output } => {
                let (step, by) = (entry.step.clone(), SavedBy::OtherRun);
                self.log.append(Event::StepSaved { step, key, output, by })?;
                self.states.set_done(index, entry, output, How::Saved(by));
            }
            // It stays waiting: after a cancel nothing starts any more, and the next run starts it anew.
            Ended::Cancelled => {}
            Ended::BadInput { producer, hash } => self.repeat(producer, hash)?,
            Ended::Failed(failure) => self.fail(index, failure)?,
        }
        Ok(())
    }

    /// An output is damaged or missing: the steps that made it run again, and all steps after them are
    /// decided about again.
    fn repeat(&mut self, producer: usize, hash: Hash) -> Result<(), FlowError> {
        let Some(output) = self.states.outputs()[producer] else { return Ok(()) };
        self.set_aside(producer, &hash)?;
        for (maker, first_time) in self.states.set_damaged(output, hash) {
            if !first_time {
                let error = StepError::environment(format!("object {hash} was damaged twice in one run"))
                    .remedy("check the disk that holds the store");
                self.fail(maker, StepFailure::new(&self.work.steps[maker].id, &error))?;
            }
        }
        Ok(())
    }

    fn fail(&mut self, index: usize, failure: StepFailure) -> Result<(), StoreError> {
        let StepFailure { step, class, message, remedy } = failure.clone();
        self.states.set_failed(index);
        self.failures.push((index, failure));
        self.log.append(Event::StepFailed { step, class, message, remedy })
    }
}
