//! What a step sees while it runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assay_store::{Hash, Store};
use camino::{Utf8Path, Utf8PathBuf};

use crate::error::StepError;
use crate::event::{Event, EventLog};
use crate::params::Params;

/// Progress of one step is shown no more often than this.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// An input's output, verified and ready to be read.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The step instance that made it, such as `reasoner[seed=1]`.
    pub step: String,
    /// That step's name, such as `reasoner`.
    pub name: String,
    /// The seed of a step that runs once per seed.
    pub seed: Option<u64>,
    /// The object.
    pub hash: Hash,
    /// A file or folder. It shares its bytes with the store: read it, never write to it.
    pub path: Utf8PathBuf,
}

/// What a step sees while it runs.
///
/// Its own name is not among it, on purpose: it is not in the key.
pub struct StepContext<'a> {
    pub(crate) step: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) key: Hash,
    pub(crate) store: &'a Store,
    pub(crate) inputs: Vec<(String, Vec<Artifact>)>,
    pub(crate) scratch: &'a Utf8Path,
    pub(crate) output: Utf8PathBuf,
    pub(crate) threads: usize,
    pub(crate) signals: Signals<'a>,
    pub(crate) log: &'a EventLog<'a>,
    pub(crate) shown: Mutex<Option<Instant>>,
}

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

impl StepContext<'_> {
    /// The step's parameters.
    pub fn params(&self) -> &Params {
        self.params
    }

    /// The step's key: changes whenever its output might. Good as a part of keys of samples.
    pub fn key(&self) -> Hash {
        self.key
    }

    /// The one step connected to an input.
    ///
    /// # Errors
    /// An internal error unless exactly one is: the kind has to ask for what it declares.
    pub fn input(&self, name: &str) -> Result<&Artifact, StepError> {
        match self.inputs(name) {
            [one] => Ok(one),
            all => Err(StepError::internal(format!("input `{name}` has {} steps, not one", all.len()))),
        }
    }

    /// All steps connected to an input, in the order of the definition and of the seeds; none if it is not
    /// connected.
    pub fn inputs(&self, name: &str) -> &[Artifact] {
        self.inputs.iter().find(|(input, _)| input == name).map(|(_, a)| a.as_slice()).unwrap_or_default()
    }

    /// Where to make the output: a file, or a folder. Nothing is there yet.
    pub fn output(&self) -> &Utf8Path {
        &self.output
    }

    /// An empty folder for temporary files, removed when the step is over.
    pub fn scratch(&self) -> &Utf8Path {
        self.scratch
    }

    /// A folder that outlives a kill: what is saved there is there again when a step with the same key runs.
    /// It is removed when the step has succeeded.
    ///
    /// # Errors
    /// The folder could not be made.
    pub fn checkpoint(&self) -> Result<Utf8PathBuf, StepError> {
        Ok(self.store.checkpoint_dir(&self.key)?)
    }

    /// The store, for the cache of samples.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// How many threads to use; never more than the kind declared. Results must not depend on it.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Tells how far the step is. `total` is 0 if not known. Cheap; call it as often as is convenient.
    pub fn progress(&self, done: u64, total: u64, note: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let last = done == total && total > 0;
        if last || shown.is_none_or(|at| at.elapsed() >= PROGRESS_INTERVAL) {
            *shown = Some(Instant::now());
            let (step, note) = (self.step.to_owned(), note.to_owned());
            self.log.show(Event::StepProgress { step, done, total, note });
        }
    }

    /// True once the step should save what it wants to keep and return [`StepError::cancelled`].
    pub fn cancelled(&self) -> bool {
        self.signals.raised()
    }

    /// Gives up if the step has been told to: `context.check_cancelled()?` inside a loop.
    ///
    /// # Errors
    /// [`StepError::cancelled`] once [`StepContext::cancelled`] is true.
    pub fn check_cancelled(&self) -> Result<(), StepError> {
        if self.cancelled() { Err(StepError::cancelled()) } else { Ok(()) }
    }
}
