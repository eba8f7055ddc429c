//! Running one step.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use assay_store::{Action, Hash, Lease, StoreError};

use crate::engine::error::StepFailure;
use crate::engine::event::{Event, EventLog};
use crate::engine::key::Description;
use crate::engine::work::Work;
use crate::kind::context::{Artifact, StepContext};
use crate::kind::error::StepError;
use crate::kind::facts::Facts;
use crate::language::graph::Step;

/// How often to ask for the lease of a step that another process is running.
const LEASE_INTERVAL: Duration = Duration::from_millis(50);

/// Progress of one step is shown no more often than this.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The two ways to be told to stop.
#[derive(Clone, Copy)]
pub(crate) struct Signals<'a> {
    /// Raised by the caller.
    pub(crate) cancel: &'a AtomicBool,
    /// Raised by the run when it cannot go on.
    pub(crate) abort: &'a AtomicBool,
}

impl Signals<'_> {
    pub(crate) fn raised(self) -> bool {
        self.cancel.load(Ordering::Relaxed) || self.abort.load(Ordering::Relaxed)
    }
}

/// A step that is to run.
pub(crate) struct Job<'a> {
    pub(crate) work: &'a Work<'a>,
    pub(crate) log: &'a EventLog<'a>,
    pub(crate) signals: Signals<'a>,
    pub(crate) index: usize,
    pub(crate) key: Hash,
    pub(crate) description: Arc<Description>,
    /// Facts about machine and set-up.
    pub(crate) facts: &'a Facts,
    /// The outputs of all steps, as far as they are known; those of this step's inputs are.
    pub(crate) outputs: Vec<Option<Hash>>,
    pub(crate) threads: usize,
}

/// How a step ended.
pub(crate) enum Ended {
    /// The step made its output.
    Made { output: Hash, seconds: f64 },
    /// Another process made the output while this one waited for the lease.
    Found { output: Hash },
    /// An input's output, made by the step `producer`, is damaged or gone; this step has not run.
    BadInput { producer: usize, hash: Hash },
    /// It gave up because it was told to.
    Cancelled,
    /// It failed.
    Failed(StepFailure),
}

impl Job<'_> {
    /// Runs the step in the current thread. A panic of the step is reported as its failure.
    pub(crate) fn run(self) -> Ended {
        match self.attempt() {
            Ok(ended) => ended,
            Err(error) if error.cancelled && self.signals.raised() => Ended::Cancelled,
            Err(error) if error.cancelled => {
                self.failed(&StepError::internal("the step gave up without having been told to"))
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &StepError) -> Ended {
        Ended::Failed(StepFailure::new(&self.step().id, error))
    }

    fn step(&self) -> &Step {
        &self.work.steps[self.index]
    }

    fn attempt(&self) -> Result<Ended, StepError> {
        // Held to the end: no other process works on this key or writes into its checkpoint folder.
        let _lease = self.lease()?;
        if let Some(action) = self.log.store.action(&self.key).or_else(none_if_corrupt)? {
            return Ok(Ended::Found { output: action.output });
        }
        let started = Instant::now();
        let scratch = self.log.store.scratch()?;
        let inputs = match self.materialize(&scratch.path().join("inputs")) {
            Ok(inputs) => inputs,
            Err(BadInput::Damaged { producer, hash }) => return Ok(Ended::BadInput { producer, hash }),
            Err(BadInput::Other(error)) => return Err(error),
        };
        let own = scratch.path().join("scratch");
        fs_err::create_dir(&own)?;
        let shown = Mutex::new(None);
        let context = StepContext {
            params: &self.step().params,
            key: self.key,
            store: self.log.store,
            inputs,
            scratch: &own,
            output: scratch.path().join("output"),
            threads: self.threads,
            stopped: &|| self.signals.raised(),
            progress: &|done, total, note| self.show(&shown, done, total, note),
        };
        catch_unwind(AssertUnwindSafe(|| self.step().kind.run(&context))).unwrap_or_else(|panic| {
            Err(StepError::internal(format!("the step panicked: {}", panic_message(panic.as_ref()))))
        })?;
        self.has_stayed()?;
        let output = self.keep(&context)?;
        Ok(Ended::Made { output, seconds: started.elapsed().as_secs_f64() })
    }

    /// Refuses a result if what the kind reads beside its inputs, such as a file of the workspace, is no longer what the key says:
    /// nobody could tell what the result is of.
    fn has_stayed(&self) -> Result<(), StepError> {
        let step = self.step();
        if step.kind.facts(&step.params, self.facts) == self.description.facts {
            return Ok(());
        }
        let message =
            "what this step reads was changed between the plan and its end, and its result is not kept";
        Err(StepError::user(message).remedy("run it again"))
    }

    /// Shows the step's progress, unless it was shown a moment ago. The end is always shown.
    fn show(&self, shown: &Mutex<Option<Instant>>, done: u64, total: u64, note: &str) {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let end = done == total && total > 0;
        if end || shown.is_none_or(|at| at.elapsed() >= PROGRESS_INTERVAL) {
            *shown = Some(Instant::now());
            let (step, note) = (self.step().id.clone(), note.to_owned());
            self.log.show(Event::StepProgress { step, done, total, note });
        }
    }

    fn lease(&self) -> Result<Lease, StepError> {
        loop {
            if let Some(lease) = self.log.store.try_lease(&self.key)? {
                return Ok(lease);
            }
            if self.signals.raised() {
                return Err(StepError::cancelled());
            }
            thread::sleep(LEASE_INTERVAL);
        }
    }

    /// Puts the inputs where the step can read them, verified.
    fn materialize(&self, dir: &camino::Utf8Path) -> Result<Vec<(String, Vec<Artifact>)>, BadInput> {
        let mut inputs = Vec::new();
        for input in &self.step().inputs {
            let labelled = self.step().reads_labels(&input.name);
            let mut artifacts = Vec::new();
            for (i, producer) in input.steps.iter().enumerate() {
                let path = dir.join(&input.name).join(i.to_string());
                let Some(hash) = self.outputs[*producer] else {
                    let id = &self.work.steps[*producer].id;
                    return Err(BadInput::Other(StepError::internal(format!("{id} has no output yet"))));
                };
                self.log.store.materialize(&hash, &path).map_err(|error| match error {
                    StoreError::Corrupt { hash, .. } | StoreError::Missing { hash, .. } => {
                        BadInput::Damaged { producer: *producer, hash }
                    }
                    other => BadInput::Other(other.into()),
                })?;
                let label = labelled.then(|| self.work.steps[*producer].label());
                artifacts.push(Artifact { label, hash, path });
            }
            inputs.push((input.name.clone(), artifacts));
        }
        Ok(inputs)
    }

    /// Takes the output into the store and records the action.
    fn keep(&self, context: &StepContext<'_>) -> Result<Hash, StepError> {
        if !context.output().exists() {
            return Err(StepError::internal("the step made no output"));
        }
        let output = self.log.store.adopt_path(context.output())?;
        let description = self
            .description
            .to_bytes()
            .map_err(|e| StepError::internal("the step cannot be described").caused_by(e))?;
        let step = self.step().id.clone();
        let action = Action { key: self.key, step, output, description, run: self.log.run };
        self.log.store.record_action(&action)?;
        self.log.store.clear_checkpoint(&self.key)?;
        Ok(output)
    }
}

enum BadInput {
    Damaged { producer: usize, hash: Hash },
    Other(StepError),
}

/// A damaged output counts as none here: the step is about to make it anew.
fn none_if_corrupt(error: StoreError) -> Result<Option<Action>, StoreError> {
    match error {
        StoreError::Corrupt { .. } => Ok(None),
        other => Err(other),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
