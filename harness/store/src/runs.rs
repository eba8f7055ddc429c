//! Runs, their events, and what their reports need.
//!
//! A run in progress holds the lock `runs/ID.lock`; a run that never ended and whose lock is free was
//! interrupted. It also shares the store's `active.lock`, which garbage collection takes alone if it can.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::index::Durability;
use crate::lock::{self, HeldLock, Locked, Wait};
use crate::{Hash, Result, RunId, Store, StoreError};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Its process is working on it.
    Running,
    /// Everything that it was asked to do is done.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was stopped, or its process died.
    Interrupted,
}

impl RunStatus {
    /// The status as one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl ToSql for RunStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for RunStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "running" => Ok(Self::Running),
            "succeeded" => Ok(Self::Succeeded),
            "failed" => Ok(Self::Failed),
            "interrupted" => Ok(Self::Interrupted),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What was run, as given to [`Store::begin_run`].
    pub title: String,
    /// How it stands now.
    pub status: RunStatus,
    /// When it began, in milliseconds since 1970-01-01 UTC.
    pub started_ms: i64,
    /// When it ended, in milliseconds since 1970-01-01 UTC; `None` if it has not or if its process died.
    pub ended_ms: Option<i64>,
}

/// The locks of a run of this process.
#[derive(Debug)]
pub(crate) struct ActiveRun {
    _alive: HeldLock,
    _shared: Locked,
}

impl Store {
    /// Records the start of a run. It counts as alive until [`Store::finish_run`] or until this store is
    /// dropped or its process ends.
    ///
    /// Waits while garbage collection deletes.
    pub fn begin_run(&self, title: &str) -> Result<RunId> {
        self.require_writable()?;
        let id = RunId::fresh();
        let active = self.lock_run(&id)?;
        let started = now_ms();
        let begun = Change::Begun { run: id, title: title.to_owned(), started };
        self.index().change(Durability::Soon, &begun)?;
        self.active_runs().insert(id, active);
        Ok(id)
    }

    fn lock_run(&self, id: &RunId) -> Result<ActiveRun> {
        let path = self.layout().active_lock();
        let shared = Locked::shared(&path).map_err(|error| StoreError::write("lock", &path, error))?;
        let path = self.layout().run_lock(id);
        let alive = HeldLock::acquire(&path, Wait::Yes)
            .map_err(|error| StoreError::write("lock", &path, error))?
            .ok_or_else(|| StoreError::Busy { root: self.root().to_owned(), what: "a run has this id" })?;
        Ok(ActiveRun { _alive: alive, _shared: shared })
    }

    /// Appends one event, a JSON value, to a run's log. Events are never changed.
    pub fn append_event(&self, run: &RunId, json: &str) -> Result<()> {
        serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(StoreError::BadEvent)?;
        let added = self.index().write(Durability::Soon, |writer| {
            if !run_exists(writer.tx(), run)? {
                return Ok(0);
            }
            let seq = writer
                .tx()
                .prepare_cached("SELECT coalesce(max(seq), 0) + 1 FROM events WHERE run = ?1")?
                .query_row([run], |row| row.get(0))?;
            writer.apply(&Change::Event { run: *run, seq, json: json.to_owned() })
        })?;
        known(run, added)
    }

    /// Records the end of a run.
    pub fn finish_run(&self, run: &RunId, status: RunStatus) -> Result<()> {
        let ended = now_ms();
        // What the run made is on the disk already; a power cut now would only make it read as interrupted.
        let ended = Change::Ended { run: *run, status, ended: Some(ended) };
        let changed = self.index().write(Durability::Soon, |writer| writer.apply(&ended))?;
        // Only now, so that nobody sees a running run whose lock is free.
        self.active_runs().remove(run);
        known(run, changed)
    }

    /// Keeps objects for a run's report: garbage collection never deletes them, nor the files of trees
    /// among them.
    pub fn pin(&self, run: &RunId, objects: &[Hash]) -> Result<()> {
        if let Some(&hash) = objects.iter().find(|hash| !self.contains(hash)) {
            return Err(StoreError::Missing { hash, member: None });
        }
        let found = self.index().write(Durability::Now, |writer| {
            let found = run_exists(writer.tx(), run)?;
            if found {
                writer.apply(&Change::Pinned { run: *run, objects: objects.to_vec() })?;
            }
            Ok(found)
        })?;
        known(run, usize::from(found))
    }

    /// What [`Store::pin`] keeps for a run, in the order of the hashes.
    pub fn pins(&self, run: &RunId) -> Result<Vec<Hash>> {
        self.index().read(|connection| {
            connection
                .prepare_cached("SELECT object FROM pins WHERE run = ?1 ORDER BY object")?
                .query_map([run], |row| row.get(0))?
                .collect()
        })
    }

    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let rows: Vec<Run> = self.index().read(|connection| {
            connection
                .prepare_cached("SELECT id, title, status, started, ended FROM runs ORDER BY number DESC")?
                .query_map([], from_row)?
                .collect()
        })?;
        rows.into_iter().map(|run| self.with_liveness(run)).collect()
    }

    /// The newest run with the status that is recorded, and its first event. A run whose process has died still reads as
    /// running here.
    pub fn last_run(&self) -> Result<Option<(RunId, RunStatus, Option<String>)>> {
        self.index().read(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, status, (SELECT json FROM events WHERE run = id AND seq = 1)
                     FROM runs ORDER BY number DESC LIMIT 1",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
    }

    /// The run whose id starts with `prefix`. A whole id is a prefix too.
    pub fn find_run(&self, prefix: &str) -> Result<Run> {
        let letters = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_lowercase());
        let mut found: Vec<Run> = if letters {
            self.index().read(|connection| {
                connection
                    .prepare_cached(
                        "SELECT id, title, status, started, ended FROM runs
                         WHERE substr(id, 1, length(?1)) = ?1 ORDER BY number DESC",
                    )?
                    .query_map([prefix], from_row)?
                    .collect()
            })?
        } else {
            Vec::new()
        };
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(StoreError::UnknownRun { prefix: prefix.to_owned() }),
            (Some(run), true) => self.with_liveness(run),
            (Some(last), false) => Err(StoreError::AmbiguousRun {
                prefix: prefix.to_owned(),
                candidates: found.into_iter().chain([last]).map(|run| run.id).collect(),
            }),
        }
    }

    /// The shortest prefix of a run's id, of at least four letters, that fits no other run.
    pub fn run_prefix(&self, run: &RunId) -> Result<String> {
        let others: Vec<RunId> = self.index().read(|connection| {
            connection
                .prepare_cached("SELECT id FROM runs WHERE id <> ?1 AND substr(id, 1, 4) = substr(?1, 1, 4)")?
                .query_map([run], |row| row.get(0))?
                .collect()
        })?;
        let shared = |other: &RunId| {
            run.as_str().bytes().zip(other.as_str().bytes()).take_while(|(a, b)| a == b).count()
        };
        let len = others.iter().map(|other| shared(other) + 1).max().unwrap_or(4);
        Ok(run.as_str().chars().take(len).collect())
    }

    /// Removes a run from the record: its events, and its hold on what its report needs. Objects stay until
    /// the next garbage collection.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the run is alive.
    pub fn remove_run(&self, run: &RunId) -> Result<()> {
        if self.find_run(run.as_str())?.status == RunStatus::Running {
            return Err(StoreError::Busy { root: self.root().to_owned(), what: "the run is still going on" });
        }
        self.index().change(Durability::Now, &Change::Removed { run: *run })
    }

    /// The events of a run, oldest first.
    pub fn events(&self, run: &RunId) -> Result<Vec<String>> {
        Ok(self.events_after(run, 0)?.into_iter().map(|(_, json)| json).collect())
    }

    /// The events of a run with sequence numbers greater than `seq`, oldest first: a reader that follows a
    /// run asks again with the last number that it has seen. Numbers start at 1.
    pub fn events_after(&self, run: &RunId, seq: u64) -> Result<Vec<(u64, String)>> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let (found, events) = self.index().read(|connection| {
            let events = connection
                .prepare_cached("SELECT seq, json FROM events WHERE run = ?1 AND seq > ?2 ORDER BY seq")?
                .query_map((run, seq), |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok((run_exists(connection, run)?, events))
        })?;
        known(run, usize::from(found))?;
        Ok(events)
    }

    /// Turns `Running` into `Interrupted` if the process is gone.
    fn with_liveness(&self, mut run: Run) -> Result<Run> {
        let path = self.layout().run_lock(&run.id);
        let held = || lock::is_held(&path).map_err(|error| StoreError::read("look at", &path, error));
        if run.status == RunStatus::Running && !held()? {
            // It may have ended properly since the row was read.
            let now: Option<Run> = self.index().read(|connection| {
                connection
                    .prepare_cached("SELECT id, title, status, started, ended FROM runs WHERE id = ?1")?
                    .query_row([run.id], from_row)
                    .optional()
            })?;
            run = now.unwrap_or(run);
            if run.status == RunStatus::Running {
                run.status = RunStatus::Interrupted;
            }
        }
        Ok(run)
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get(0)?,
        title: row.get(1)?,
        status: row.get(2)?,
        started_ms: row.get(3)?,
        ended_ms: row.get(4)?,
    })
}

fn run_exists(connection: &Connection, run: &RunId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM runs WHERE id = ?1")?.exists([run])
}

fn known(run: &RunId, rows: usize) -> Result<()> {
    if rows == 0 { Err(StoreError::UnknownRun { prefix: run.to_string() }) } else { Ok(()) }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
