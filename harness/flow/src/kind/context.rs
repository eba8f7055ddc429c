//! What a step sees while it runs.

use assay_store::{Hash, Store};
use camino::{Utf8Path, Utf8PathBuf};

use crate::kind::error::StepError;
use crate::values::params::{Label, Params};

/// An input's output, verified and ready to be read.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The model and the seed that it is of; `None` unless the kind declares the input as
    /// [labelled](crate::InputSpec::labelled), since only labels of such inputs are in the key.
    pub label: Option<Label>,
    /// The object.
    pub hash: Hash,
    /// A file or folder. It shares its bytes with the store: read it, never write to it.
    pub path: Utf8PathBuf,
}

/// What a step sees while it runs. Names of steps are not in the key, so it does not see them.
pub struct StepContext<'a> {
    pub(crate) params: &'a Params,
    pub(crate) key: Hash,
    pub(crate) store: &'a Store,
    pub(crate) inputs: Vec<(String, Vec<Artifact>)>,
    pub(crate) scratch: &'a Utf8Path,
    pub(crate) output: Utf8PathBuf,
    pub(crate) threads: usize,
    /// True once the step is to stop.
    pub(crate) stopped: &'a (dyn Fn() -> bool + Sync),
    /// Takes units done, units in all, and a note.
    pub(crate) progress: &'a (dyn Fn(u64, u64, &str) + Sync),
}

impl StepContext<'_> {
    /// The step's parameters.
    pub fn params(&self) -> &Params {
        self.params
    }

    /// The step's key: it changes whenever the output might.
    pub fn key(&self) -> Hash {
        self.key
    }

    /// The one artefact of an input.
    ///
    /// # Errors
    /// An internal error unless there is exactly one: the kind has to ask for what it declares.
    pub fn input(&self, name: &str) -> Result<&Artifact, StepError> {
        match self.inputs(name) {
            [one] => Ok(one),
            all => Err(StepError::internal(format!("input `{name}` has {} artefacts, not one", all.len()))),
        }
    }

    /// All artefacts of an input, in the order of the definition and of the seeds; none if it is not
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

    /// The store, for its memo.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// How many threads to use: as many as the kind declared or fewer, or all of the run if nothing else can run beside this
    /// step. Results must not depend on it.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Reports how far the step is: `done` of `total` units; `total` is 0 if it is not known. Cheap, so call
    /// it as often as is convenient.
    pub fn progress(&self, done: u64, total: u64, note: &str) {
        (self.progress)(done, total, note);
    }

    /// True once the step should save what it wants to keep and return [`StepError::cancelled`].
    pub fn cancelled(&self) -> bool {
        (self.stopped)()
    }

    /// Returns early if the step has been told to stop: `context.check_cancelled()?` inside a loop.
    ///
    /// # Errors
    /// [`StepError::cancelled`] once [`StepContext::cancelled`] is true.
    pub fn check_cancelled(&self) -> Result<(), StepError> {
        if self.cancelled() { Err(StepError::cancelled()) } else { Ok(()) }
    }
}
