//! Runs a graph: steps start when their inputs are there and the budget allows it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use assay_store::{Hash, RunStatus, Store, StoreError};

use crate::engine::conclude::conclude;
use crate::engine::error::{FlowError, StepFailure};
use crate::engine::event::{Event, EventLog, Observer, SavedBy};
use crate::engine::outcome::{How, Outcome};
use crate::engine::plan::{Decider, Plan, plan};
use crate::engine::reason::Reason;
use crate::engine::schedule::{Budget, priorities};
use crate::engine::state::States;
use crate::engine::worker::{Ended, Job, Signals};
use crate::kind::Resources;
use crate::kind::error::StepError;
use crate::kind::facts::Facts;
use crate::language::graph::Graph;

/// Step threads get the stack that main threads usually have; spawned ones get less by default.
const STACK: usize = 8 << 20;

/// What a run may use, and who is told of it.
#[derive(Clone)]
pub struct Options<'a> {
    /// Threads that steps may keep busy together.
    pub threads: usize,
    /// Memory that steps may use together, in MiB.
    pub memory_mb: u64,
    /// Facts about machine and set-up, from which each kind picks those that change its results.
    pub facts: Facts,
    /// Raised by the caller to stop the run, for instance on Ctrl-C.
    pub cancel: &'a AtomicBool,
    /// Sees every event as it happens.
    pub observer: &'a dyn Observer,
}

/// Runs what [`plan`] says, until the target's output is in the store.
///
/// A step's failure does not stop steps that don't depend on it. A raised cancel flag stops new steps, and
/// running ones as soon as they notice.
///
/// # Errors
/// [`FlowError::Failed`] if steps failed, [`FlowError::Interrupted`] if the cancel flag was raised before the
/// target was done, [`FlowError::Store`] if the store failed outside a step. Outputs that were finished
/// before the error stay in the store.
pub fn execute(graph: &Graph, store: &Store, options: &Options<'_>) -> Result<Outcome, FlowError> {
    let title = format!("{} --scale {}", graph.recipe.name, graph.scale.name);
    let run = store.begin_run(&title)?;
    let log = EventLog { store, run, observer: options.observer, started: Instant::now() };
    // Planned within the run: while it is alive, garbage collection takes away nothing that was found.
    match plan(graph, store, &options.facts) {
        Ok(planned) => {
            let mut run = Run::new(graph, options, &log, &planned);
            let result = run.go(&planned);
            let Run { states, failures, .. } = run;
            conclude(graph, &log, planned, states, failures, result)
        }
        Err(error) => {
            // The error that stopped the run says more than a failure to record its end.
            let _ = store.finish_run(&run, RunStatus::Failed);
            Err(error.into())
        }
    }
}

struct Run<'a> {
    graph: &'a Graph,
    options: &'a Options<'a>,
    log: &'a EventLog<'a>,
    decider: Decider<'a>,
    priorities: Vec<usize>,
    budget: Budget,
    /// What each step gets while it runs.
    granted: Vec<Resources>,
    states: States<'a>,
    failures: Vec<StepFailure>,
}

impl<'a> Run<'a> {
    fn new(graph: &'a Graph, options: &'a Options<'a>, log: &'a EventLog<'a>, plan: &Plan) -> Self {
        let budget = Budget::new(options.threads, options.memory_mb);
        let granted = graph.steps.iter().map(|step| budget.granted(step.kind.resources(&step.params)));
        Self {
            graph,
            options,
            log,
            decider: Decider::new(graph, log.store, &options.facts),
            priorities: priorities(graph),
            granted: granted.collect(),
            budget,
            states: States::new(graph, plan),
            failures: Vec::new(),
        }
    }

    fn go(&mut self, plan: &Plan) -> Result<(), FlowError> {
        let (options, graph) = (self.options, self.graph);
        self.log.append(Event::RunStarted {
            run: self.log.run,
            recipe: graph.recipe.name.clone(),
            scale: graph.scale.name.clone(),
            sets: graph.scale.sets.clone(),
            target: graph.target().id.clone(),
            threads: options.threads,
            memory_mb: options.memory_mb,
            facts: options.facts.clone(),
        })?;
        self.log.append(Event::Planned { steps: plan.entries().to_vec() })?;
        // Raised when the run cannot go on, so that running steps stop.
        let abort = AtomicBool::new(false);
        let signals = Signals { cancel: options.cancel, abort: &abort };
        thread::scope(|scope| {
            let result = self.run_steps(scope, signals);
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
    ) -> Result<(), FlowError>
    where
        'a: 's,
    {
        let (sender, receiver) = mpsc::channel();
        loop {
            self.settle()?;
            while let Some(index) = self.next(signals) {
                let job = self.start(index, signals)?;
                let sender = sender.clone();
                thread::Builder::new()
                    .name(self.graph.steps[index].id.clone())
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
            self.budget.give_back(&self.granted[index]);
            self.finish(index, ended)?;
        }
    }

    /// Nothing runs and nothing can start: that has to have a reason.
    fn check_end(&self, signals: Signals<'_>) -> Result<(), FlowError> {
        let done = self.states.outputs()[self.graph.target].is_some();
        if done || !self.failures.is_empty() || signals.raised() {
            return Ok(());
        }
        Err(FlowError::Internal("no step can start, and the target is not done".into()))
    }

    /// Decides about waiting steps whose inputs have become known.
    fn settle(&mut self) -> Result<(), StoreError> {
        for index in 0..self.graph.steps.len() {
            if !self.states.is_undecided(index) {
                continue;
            }
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

    /// The next step to start, if one can.
    fn next(&self, signals: Signals<'_>) -> Option<usize> {
        let can_start =
            |index: &&usize| self.states.can_start(**index) && self.budget.fits(&self.granted[**index]);
        self.priorities.iter().find(can_start).copied().filter(|_| !signals.raised())
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
        self.budget.take(&self.granted[index]);
        Ok(Job {
            graph: self.graph,
            log: self.log,
            signals,
            index,
            key,
            description,
            outputs: self.states.outputs().to_vec(),
            threads: self.granted[index].threads,
        })
    }

    /// Takes a damaged object out of use, so that no lookup finds it any more.
    fn set_aside(&self, producer: usize, hash: &Hash) -> Result<(), StoreError> {
        if self.log.store.forget(hash)? {
            let step = self.graph.steps[producer].id.clone();
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
                self.fail(maker, StepFailure::new(&self.graph.steps[maker].id, &error))?;
            }
        }
        Ok(())
    }

    fn fail(&mut self, index: usize, failure: StepFailure) -> Result<(), StoreError> {
        let StepFailure { step, class, message, remedy } = failure.clone();
        self.states.set_failed(index);
        self.failures.push(failure);
        self.log.append(Event::StepFailed { step, class, message, remedy })
    }
}
