//! Runs a graph: steps start when their inputs are there and the budget allows it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use assay_store::{Hash, RunId, RunStatus, Store, StoreError};

use crate::engine::error::{FlowError, StepFailure};
use crate::engine::event::{Event, EventLog, Observer, SavedBy};
use crate::engine::key::Description;
use crate::engine::plan::{Judge, Plan, PlanEntry, State, plan};
use crate::engine::reason::Reason;
use crate::engine::schedule::{Budget, priorities};
use crate::engine::worker::{Ended, Job, Signals};
use crate::kind::Resources;
use crate::kind::error::StepError;
use crate::kind::facts::Facts;
use crate::language::graph::Graph;

/// Step threads get the stack that main threads usually have; spawned ones get less by default.
const STACK: usize = 8 << 20;

/// How a run may go about it.
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

/// A run that made or found its target's output.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run.
    pub run: RunId,
    /// The target's output.
    pub output: Hash,
    /// What was planned at the start.
    pub plan: Plan,
    /// How each step came by its output, in the order of [`Graph::steps`].
    pub steps: Vec<Provenance>,
}

/// How a step came by its output, and what that depends on.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// The step's name, such as `reasoner`.
    pub name: String,
    /// Its key.
    pub key: Hash,
    /// Its output.
    pub output: Hash,
    /// Whether it ran this time.
    pub how: How,
    /// Kind, seed, parameters, inputs, facts.
    pub description: Description,
}

/// Whether a step ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// It ran, for this long.
    Ran {
        /// Seconds.
        seconds: f64,
    },
    /// Its output was there from the start.
    Cached,
    /// It might have had to run, and then need not.
    Saved(SavedBy),
}

impl Outcome {
    /// How many steps ran.
    pub fn ran(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.how, How::Ran { .. })).count()
    }
}

/// Runs what [`plan`] says, until the target's output is in the store.
///
/// A step's failure does not stop steps that don't depend on it. A raised cancel flag stops new steps, and
/// running ones as soon as they notice.
///
/// # Errors
/// [`FlowError::Failed`] if steps failed, [`FlowError::Interrupted`] if the cancel flag was raised before the
/// target was done, [`FlowError::Store`] if the store failed outside a step. What was finished before stays.
pub fn execute(graph: &Graph, store: &Store, options: &Options<'_>) -> Result<Outcome, FlowError> {
    let title = format!("{} --scale {}", graph.recipe.name, graph.scale.name);
    let run = store.begin_run(&title)?;
    let log = EventLog { store, run, observer: options.observer, started: Instant::now() };
    // Planned within the run: while it is alive, garbage collection takes away nothing that was found.
    match plan(graph, store, &options.facts) {
        Ok(planned) => {
            let mut run = Run::new(graph, store, options, &log, planned);
            let result = run.go();
            run.conclude(result)
        }
        Err(error) => {
            let _ = store.finish_run(&run, RunStatus::Failed);
            Err(error.into())
        }
    }
}

/// How far a step is.
enum Progress {
    /// It waits for inputs.
    Waiting,
    /// It can start.
    Ready(PlanEntry),
    /// It is running, for the key of this entry.
    Running(PlanEntry),
    /// Its output is known.
    Done(PlanEntry, How),
    /// It failed.
    Failed,
}

struct Run<'a> {
    graph: &'a Graph,
    store: &'a Store,
    options: &'a Options<'a>,
    log: &'a EventLog<'a>,
    judge: Judge<'a>,
    plan: Plan,
    priorities: Vec<usize>,
    budget: Budget,
    steps: Vec<Progress>,
    outputs: Vec<Option<Hash>>,
    /// For steps whose output was found damaged: the damaged object.
    corrupt: BTreeMap<usize, Hash>,
    failures: Vec<StepFailure>,
}

impl<'a> Run<'a> {
    fn new(
        graph: &'a Graph,
        store: &'a Store,
        options: &'a Options<'a>,
        log: &'a EventLog<'a>,
        plan: Plan,
    ) -> Self {
        let steps = plan.entries().iter().map(|entry| match entry.state {
            State::Cached => Progress::Done(entry.clone(), How::Cached),
            State::Run => Progress::Ready(entry.clone()),
            State::Waits => Progress::Waiting,
        });
        Self {
            graph,
            store,
            options,
            log,
            judge: Judge::new(graph, store, &options.facts),
            priorities: priorities(graph),
            budget: Budget::new(options.threads, options.memory_mb),
            steps: steps.collect(),
            outputs: plan.entries().iter().map(|entry| entry.output).collect(),
            plan,
            corrupt: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    fn go(&mut self) -> Result<(), FlowError> {
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
        self.log.append(Event::Planned { steps: self.plan.entries().to_vec() })?;
        // Raised when the run cannot go on, so that running steps stop.
        let abort = AtomicBool::new(false);
        let signals = Signals { cancel: options.cancel, abort: &abort };
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let looped = (|| {
                loop {
                    self.settle()?;
                    while let Some((index, granted)) = self.next(signals) {
                        let job = self.start(index, &granted, signals)?;
                        let sender = sender.clone();
                        thread::Builder::new()
                            .name(graph.steps[index].id.clone())
                            .stack_size(STACK)
                            // The receiver is gone only if the run has failed, and then nobody wants to know.
                            .spawn_scoped(scope, move || _ = sender.send((index, granted, job.run())))
                            .map_err(|error| FlowError::Thread { source: error })?;
                    }
                    if self.budget.running() == 0 {
                        return self.check_end(signals);
                    }
                    let Ok((index, granted, ended)) = receiver.recv() else {
                        return Err(FlowError::Internal("a step's thread ended without a word".into()));
                    };
                    self.budget.give_back(&granted);
                    self.finish(index, ended)?;
                }
            })();
            if looped.is_err() {
                abort.store(true, Ordering::Relaxed);
            }
            looped
        })
    }

    /// Nothing runs and nothing can start: that has to have a reason.
    fn check_end(&self, signals: Signals<'_>) -> Result<(), FlowError> {
        let done = self.outputs[self.graph.target].is_some();
        if done || !self.failures.is_empty() || signals.raised() {
            return Ok(());
        }
        Err(FlowError::Internal("no step can start, and the target is not done".into()))
    }

    /// Decides about waiting steps whose inputs have become known.
    fn settle(&mut self) -> Result<(), StoreError> {
        for index in 0..self.steps.len() {
            let known = self.graph.steps[index].upstream().all(|up| self.outputs[up].is_some());
            if !known || !matches!(self.steps[index], Progress::Waiting) {
                continue;
            }
            let entry = self.judge.decide(index, &self.outputs, self.corrupt.get(&index).copied())?;
            self.steps[index] = match (entry.output, entry.key) {
                (Some(output), Some(key)) => {
                    self.outputs[index] = Some(output);
                    let (step, by) = (entry.step.clone(), self.saved_by(&key));
                    self.log.append(Event::StepSaved { step, key, output, by })?;
                    Progress::Done(entry, How::Saved(by))
                }
                _ => Progress::Ready(entry),
            };
        }
        Ok(())
    }

    /// Why an output is there that was not there when the run was planned.
    fn saved_by(&self, key: &Hash) -> SavedBy {
        let twin = |step: &Progress| match step {
            Progress::Done(entry, How::Ran { .. }) => entry.key.as_ref() == Some(key),
            _ => false,
        };
        if self.steps.iter().any(twin) { SavedBy::OtherRun } else { SavedBy::EarlyCutoff }
    }

    /// The next step to start, if one can.
    fn next(&self, signals: Signals<'_>) -> Option<(usize, Resources)> {
        if signals.raised() {
            return None;
        }
        self.priorities.iter().find_map(|&index| {
            let Progress::Ready(entry) = &self.steps[index] else { return None };
            // A step with the same key as a running one will find its output.
            let twin = |step: &Progress| matches!(step, Progress::Running(other) if other.key == entry.key);
            if self.steps.iter().any(twin) {
                return None;
            }
            let step = &self.graph.steps[index];
            let granted = self.budget.granted(step.kind.resources(&step.params));
            self.budget.fits(&granted).then_some((index, granted))
        })
    }

    fn start<'j>(
        &mut self,
        index: usize,
        granted: &Resources,
        signals: Signals<'j>,
    ) -> Result<Job<'j>, FlowError>
    where
        'a: 'j,
    {
        let Progress::Ready(entry) = std::mem::replace(&mut self.steps[index], Progress::Waiting) else {
            return Err(FlowError::Internal("a step was started that is not ready".into()));
        };
        let (Some(key), Some(description)) = (entry.key, entry.description.clone()) else {
            return Err(FlowError::Internal("a step was started whose key is not known".into()));
        };
        for reason in &entry.reasons {
            if let Reason::Corrupt { hash } = reason {
                self.set_aside(index, hash)?;
            }
        }
        let (step, reasons) = (entry.step.clone(), entry.reasons.clone());
        self.log.append(Event::StepStarted { step, key, reasons })?;
        self.budget.take(granted);
        self.steps[index] = Progress::Running(entry);
        Ok(Job {
            graph: self.graph,
            store: self.store,
            log: self.log,
            signals,
            index,
            key,
            description,
            outputs: self.outputs.clone(),
            threads: granted.threads,
        })
    }

    /// Takes a damaged object out of use, so that no lookup finds it any more.
    fn set_aside(&self, producer: usize, hash: &Hash) -> Result<(), StoreError> {
        if self.store.forget(hash)? {
            let step = self.graph.steps[producer].id.clone();
            self.log.append(Event::ObjectCorrupt { step, hash: *hash })?;
        }
        Ok(())
    }

    fn finish(&mut self, index: usize, ended: Ended) -> Result<(), FlowError> {
        let Progress::Running(entry) = std::mem::replace(&mut self.steps[index], Progress::Waiting) else {
            return Err(FlowError::Internal("a step ended that was not running".into()));
        };
        let Some(key) = entry.key else {
            return Err(FlowError::Internal("a step ran without a key".into()));
        };
        match ended {
            Ended::Made { output, seconds } => {
                let step = entry.step.clone();
                self.log.append(Event::StepFinished { step, key, output, seconds })?;
                self.done(index, entry, output, How::Ran { seconds });
            }
            Ended::Found { output } => {
                let (step, by) = (entry.step.clone(), SavedBy::OtherRun);
                self.log.append(Event::StepSaved { step, key, output, by })?;
                self.done(index, entry, output, How::Saved(by));
            }
            // It stays waiting: after a cancel nothing starts any more, and the next run starts it anew.
            Ended::Cancelled => {}
            Ended::BadInput { producer, hash } => self.repeat(producer, hash)?,
            Ended::Failed(failure) => self.fail(index, failure)?,
        }
        Ok(())
    }

    fn done(&mut self, index: usize, entry: PlanEntry, output: Hash, how: How) {
        for step in &mut self.steps {
            if matches!(step, Progress::Ready(other) if other.key == entry.key) {
                *step = Progress::Waiting;
            }
        }
        // An input may have been found damaged meanwhile and may come out differently. Then this step is
        // decided about again; in the usual case its output is found under the same key.
        let current = |input: &crate::engine::key::InputRecord| {
            self.graph.steps[index]
                .upstream()
                .any(|up| self.graph.steps[up].id == input.step && self.outputs[up] == input.output)
        };
        if entry.description.iter().flat_map(|description| &description.inputs).all(current) {
            self.outputs[index] = Some(output);
            self.steps[index] = Progress::Done(entry, how);
        }
    }

    /// An output is damaged or gone: what made it runs again, and everything after it is decided about again.
    fn repeat(&mut self, producer: usize, hash: Hash) -> Result<(), FlowError> {
        let Some(output) = self.outputs[producer] else { return Ok(()) };
        self.set_aside(producer, &hash)?;
        // Other steps may have made the same bytes.
        let makers: Vec<usize> =
            (0..self.outputs.len()).filter(|index| self.outputs[*index] == Some(output)).collect();
        for maker in makers {
            if self.corrupt.insert(maker, hash).is_some() {
                let error = StepError::environment(format!("object {hash} was damaged twice in one run"))
                    .remedy("check the disk that holds the store");
                let failure = StepFailure {
                    step: self.graph.steps[maker].id.clone(),
                    class: error.class(),
                    message: error.message(),
                    remedy: error.remedy_text().map(str::to_owned),
                };
                self.reset_from(maker);
                self.fail(maker, failure)?;
            } else {
                self.reset_from(maker);
            }
        }
        Ok(())
    }

    /// Forgets what is known about a step's output and about those of all steps after it. Running and failed
    /// steps are left alone.
    fn reset_from(&mut self, first: usize) {
        let mut stale = vec![false; self.steps.len()];
        stale[first] = true;
        for index in first..self.steps.len() {
            stale[index] |= self.graph.steps[index].upstream().any(|up| stale[up]);
            if stale[index] && matches!(self.steps[index], Progress::Done(..) | Progress::Ready(_)) {
                self.steps[index] = Progress::Waiting;
                self.outputs[index] = None;
            }
        }
    }

    fn fail(&mut self, index: usize, failure: StepFailure) -> Result<(), StoreError> {
        let StepFailure { step, class, message, remedy } = failure.clone();
        self.steps[index] = Progress::Failed;
        self.failures.push(failure);
        self.log.append(Event::StepFailed { step, class, message, remedy })
    }

    /// Closes the run's log and turns the final state into a result.
    fn conclude(self, result: Result<(), FlowError>) -> Result<Outcome, FlowError> {
        let output = self.outputs[self.graph.target];
        let status = match (&result, output) {
            (Ok(()), Some(_)) => RunStatus::Succeeded,
            (Ok(()), None) if self.failures.is_empty() => RunStatus::Interrupted,
            _ => RunStatus::Failed,
        };
        let mut keys = Vec::new();
        let mut ran = 0;
        for step in &self.steps {
            match step {
                Progress::Done(_, How::Ran { .. }) => ran += 1,
                Progress::Done(entry, How::Cached | How::Saved(_)) => keys.extend(entry.key),
                _ => {}
            }
        }
        let closed = self.store.touch_actions(&self.log.run, &keys).and_then(|()| {
            self.log.append(Event::RunFinished {
                status,
                output,
                ran,
                reused: keys.len(),
                failed: self.failures.len(),
                seconds: self.log.started.elapsed().as_secs_f64(),
            })
        });
        let finished = self.store.finish_run(&self.log.run, status);
        // What stopped the run says more than a failure to record its end.
        result?;
        closed?;
        finished?;
        self.into_outcome(output)
    }

    fn into_outcome(self, output: Option<Hash>) -> Result<Outcome, FlowError> {
        let run = self.log.run;
        if !self.failures.is_empty() {
            let skipped = (0..self.steps.len()).filter(|i| matches!(self.steps[*i], Progress::Waiting));
            let skipped = skipped.map(|index| self.graph.steps[index].id.clone()).collect();
            return Err(FlowError::Failed { run, failures: self.failures, skipped });
        }
        let Some(output) = output else { return Err(FlowError::Interrupted { run }) };
        let mut steps = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.into_iter().enumerate() {
            let Progress::Done(PlanEntry { step, key: Some(key), description: Some(description), .. }, how) =
                step
            else {
                return Err(FlowError::Internal("the target is done before its inputs".into()));
            };
            let Some(output) = self.outputs[index] else {
                return Err(FlowError::Internal("a finished step has no output".into()));
            };
            let name = self.graph.steps[index].name.clone();
            steps.push(Provenance { step, name, key, output, how, description });
        }
        Ok(Outcome { run, output, plan: self.plan, steps })
    }
}
