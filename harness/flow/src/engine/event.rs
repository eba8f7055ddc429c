//! The event log: what happens in a run, stored as lines of JSON and shown to an observer.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use assay_store::{ErrorClass, Hash, RunId, RunStatus, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::engine::plan::PlanEntry;
use crate::engine::reason::Reason;
use crate::kind::facts::Facts;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// Always the first.
    RunStarted {
        /// The run.
        run: RunId,
        /// The recipe's name.
        recipe: String,
        /// The scale's name.
        scale: String,
        /// The `--set` arguments.
        sets: Vec<String>,
        /// The step whose output is wanted.
        target: String,
        /// Threads that may be used.
        threads: usize,
        /// Memory that may be used, in MiB.
        memory_mb: u64,
        /// Facts given by the program.
        facts: Facts,
    },
    /// The plan for all steps; always the second.
    Planned {
        /// In an order in which each step follows its inputs.
        steps: Vec<PlanEntry>,
    },
    /// A step begins.
    StepStarted {
        /// The instance.
        step: String,
        /// Its key.
        key: Hash,
        /// Why it runs.
        reasons: Vec<Reason>,
    },
    /// How far a step is. Shown to the observer and not stored.
    StepProgress {
        /// The instance.
        step: String,
        /// Units done.
        done: u64,
        /// Units in all; 0 if that is not known.
        total: u64,
        /// What is being done.
        note: String,
    },
    /// A step has made its output.
    StepFinished {
        /// The instance.
        step: String,
        /// Its key.
        key: Hash,
        /// Its output.
        output: Hash,
        /// How long it took.
        seconds: f64,
    },
    /// A step that was not cached in the plan did not have to run: its output is in the store now.
    StepSaved {
        /// The instance.
        step: String,
        /// Its key.
        key: Hash,
        /// Its output.
        output: Hash,
        /// Why it did not have to run.
        by: SavedBy,
    },
    /// A step failed. Steps that do not depend on it go on.
    StepFailed {
        /// The instance.
        step: String,
        /// Who has to act.
        class: ErrorClass,
        /// What went wrong, in one line.
        message: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// A damaged object was set aside; the step that made it is repeated.
    ObjectCorrupt {
        /// The step that made it.
        step: String,
        /// The object.
        hash: Hash,
    },
    /// Always the last, unless the process died.
    RunFinished {
        /// How it ended.
        status: RunStatus,
        /// The target's output, if it was made or found.
        output: Option<Hash>,
        /// Steps that ran to their end.
        ran: usize,
        /// Steps whose output was there.
        reused: usize,
        /// Steps that failed.
        failed: usize,
        /// How long the run took.
        seconds: f64,
    },
}

/// Why a step that was not cached in the plan did not have to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SavedBy {
    /// The steps before it ran and gave outputs with which it had been run already.
    EarlyCutoff,
    /// Another run, or another step with the same key, has made the output.
    OtherRun,
}

/// An event and its time; a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Record {
    fn now(event: Event) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), event }
    }

    /// One line of JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored line.
    pub fn from_json(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

/// Receives the events of a run, for instance to display its progress.
pub trait Observer: Sync {
    /// Called for each event as it happens, from any thread. Of each step, progress comes at most about ten
    /// times a second.
    fn observe(&self, record: &Record);
}

/// Ignores all events.
impl Observer for () {
    fn observe(&self, _record: &Record) {}
}

/// Writes events to the store and shows them to the observer.
pub(crate) struct EventLog<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: RunId,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) started: Instant,
}

impl EventLog<'_> {
    /// Stores an event, then shows it.
    pub(crate) fn append(&self, event: Event) -> Result<(), StoreError> {
        let record = Record::now(event);
        let line = record.to_json().map_err(StoreError::BadEvent)?;
        self.store.append_event(&self.run, &line)?;
        self.observer.observe(&record);
        Ok(())
    }

    /// Shows an event without storing it.
    pub(crate) fn show(&self, event: Event) {
        self.observer.observe(&Record::now(event));
    }
}
