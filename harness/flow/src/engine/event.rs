//! The event log: what happens in a run, stored as lines of JSON and shown to an observer.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use assay_store::{ErrorClass, Hash, RunId, RunStatus, Store, StoreError};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::engine::plan::PlanEntry;
use crate::engine::reason::Reason;
use crate::kind::facts::Facts;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// Always the first.
    RunStarted {
        /// The run.
        run: RunId,
        /// The recipe's name; of several, their names with spaces between them.
        recipe: String,
        /// The scale's name.
        scale: String,
        /// The `--set` arguments.
        sets: Vec<String>,
        /// The step whose output is wanted; of several recipes, the steps, with spaces between them.
        target: String,
        /// Threads that may be used.
        threads: usize,
        /// Memory that may be used, in MiB.
        memory_mb: u64,
        /// Facts given by the program.
        facts: Facts,
        /// A hash of the recipes' names, the files that they were read from, the scale and the `--set` arguments. `None` in a
        /// log of an earlier version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<Hash>,
        /// The run that this one repeats: it was the last one, of the same files, and everything that it needs is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeats: Option<RunId>,
    },
    /// The plan for all steps; always the second. In the stored log of a run that repeats another it lists no step.
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
    /// In a run of several recipes: what one of them wants is there.
    RecipeFinished {
        /// The recipe's name.
        recipe: String,
        /// The step whose output it wants.
        target: String,
        /// That output.
        output: Hash,
    },
    /// Always the last, unless the process died.
    RunFinished {
        /// How it ended.
        status: RunStatus,
        /// The target's output, if it was made or found; none in a run of several recipes.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SavedBy {
    /// The steps before it ran and gave outputs with which it had been run already.
    EarlyCutoff,
    /// Another run, or another step with the same key, has made the output.
    OtherRun,
}

/// The version of the lines of an event log.
pub const EVENT_FORMAT: u32 = 1;

/// An event and its time; a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Record {
    /// The version of this form, in every line, so that a reader may begin anywhere. Lines that were recorded before
    /// there were versions have none, and mean 1.
    #[serde(default = "first_format")]
    #[schemars(!default, extend("const" = EVENT_FORMAT))]
    pub format: u32,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a line is not a [`Record`] of this version.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer program wrote it.
    #[error("the line has format {found}, this program reads up to {EVENT_FORMAT}")]
    Newer {
        /// The version of the line.
        found: u32,
    },
    /// It is not such a line.
    #[error("not an event: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// What every line has, whatever its version.
#[derive(Deserialize)]
struct Head {
    #[serde(default = "first_format")]
    format: u32,
}

fn first_format() -> u32 {
    1
}

impl Record {
    /// The JSON Schema of a line.
    pub fn schema() -> Schema {
        schemars::schema_for!(Record)
    }

    fn now(event: Event) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { format: EVENT_FORMAT, at_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), event }
    }

    /// One line of JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a stored line.
    ///
    /// # Errors
    /// The line is of a newer version, or no event.
    pub fn from_json(line: &str) -> Result<Self, RecordError> {
        let Head { format } = serde_json::from_str(line)?;
        if format > EVENT_FORMAT {
            return Err(RecordError::Newer { found: format });
        }
        Ok(serde_json::from_str(line)?)
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
    /// Whether the store has a record of the run: one that cannot be written has none.
    pub(crate) recorded: bool,
    /// The run that this one repeats.
    pub(crate) repeats: Option<RunId>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) started: Instant,
}

impl EventLog<'_> {
    /// Stores an event, then shows it.
    pub(crate) fn append(&self, event: Event) -> Result<(), StoreError> {
        let record = Record::now(event);
        self.keep(&record)?;
        self.observer.observe(&record);
        Ok(())
    }

    /// Stores a short form of an event, then shows the event.
    pub(crate) fn append_short(&self, short: Event, whole: Event) -> Result<(), StoreError> {
        self.keep(&Record::now(short))?;
        self.show(whole);
        Ok(())
    }

    fn keep(&self, record: &Record) -> Result<(), StoreError> {
        if !self.recorded {
            return Ok(());
        }
        let line = record.to_json().map_err(StoreError::BadEvent)?;
        self.store.append_event(&self.run, &line)
    }

    /// Records the end of the run.
    pub(crate) fn finish(&self, status: RunStatus) -> Result<(), StoreError> {
        if self.recorded { self.store.finish_run(&self.run, status) } else { Ok(()) }
    }

    /// Shows an event without storing it.
    pub(crate) fn show(&self, event: Event) {
        self.observer.observe(&Record::now(event));
    }
}
