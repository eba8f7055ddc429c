//! The changes of the index. Each is one line of the [journal](crate::journal) and a few statements of SQL, so that an
//! index is what its changes make of an empty one.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use crate::memo::{Check, Kept};
use crate::runs::RunStatus;
use crate::{Action, Hash, RunId};

/// One change. What it says is complete: applying it again changes nothing but the order in which actions were used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Change {
    /// A step was finished; it is the one of its name that was used last.
    Finished { key: Hash, step: String, output: Hash, description: Bytes, run: RunId },
    /// A run used these actions, in this order.
    Used { run: RunId, keys: Vec<Hash> },
    /// A run recorded or used these actions; the order of use stays as it is.
    Noted { run: RunId, keys: Vec<Hash> },
    /// Actions were collected.
    Collected { keys: Vec<Hash> },
    /// A run began, in milliseconds since 1970-01-01 UTC.
    Begun { run: RunId, title: String, started: i64 },
    /// A run's log has this event, counted from 1.
    Event { run: RunId, seq: i64, json: String },
    /// A run ended, in milliseconds since 1970-01-01 UTC.
    Ended { run: RunId, status: RunStatus, ended: Option<i64> },
    /// The report of a run needs these objects.
    Pinned { run: RunId, objects: Vec<Hash> },
    /// A run was removed from the record.
    Removed { run: RunId },
    /// The memo has these values; a day is counted from 1970-01-01 UTC. A key that has a value keeps it.
    Remembered { day: i64, values: Vec<Value> },
    /// Values were used on a day.
    Recalled { day: i64, keys: Vec<Hash> },
    /// Values were removed.
    Forgotten { keys: Vec<Hash> },
    /// Values that were last used on this day or before were removed.
    Expired { day: i64 },
    /// Values were moved to other places.
    Moved { values: Vec<Value> },
}

/// A value of the memo, or the place where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Value {
    pub(crate) key: Hash,
    pub(crate) check: Check,
    #[serde(flatten)]
    pub(crate) kept: Kept,
}

/// Bytes, as text where they are text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Text(String),
    Other(Vec<u8>),
}

impl Bytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Other(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Other(error.into_bytes()), Self::Text)
    }
}

impl From<&Action> for Change {
    fn from(action: &Action) -> Self {
        Self::Finished {
            key: action.key,
            step: action.step.clone(),
            output: action.output,
            description: action.description.clone().into(),
            run: action.run,
        }
    }
}

impl Change {
    /// Makes the change; returns how many rows it changed.
    pub(crate) fn apply(&self, tx: &Connection) -> rusqlite::Result<usize> {
        match self {
            Self::Finished { key, step, output, description, run } => tx
                .prepare_cached(
                    "INSERT OR REPLACE INTO actions (key, step, output, description, run, used)
                     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(used), 0) + 1 FROM actions))",
                )?
                .execute((key, step, output, description.as_slice(), run)),
            Self::Used { run, keys } => use_actions(tx, run, keys),
            Self::Noted { run, keys } => {
                each(tx, "INSERT OR IGNORE INTO run_actions (key, run) VALUES (?1, ?2)", keys, run)
            }
            Self::Collected { keys } => {
                each(tx, "DELETE FROM run_actions WHERE key = ?1 AND ?2", keys, true)?;
                each(tx, "DELETE FROM actions WHERE key = ?1 AND ?2", keys, true)
            }
            Self::Begun { run, title, started } => tx
                .prepare_cached(
                    "INSERT OR IGNORE INTO runs (id, title, status, started) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((run, title, RunStatus::Running, started)),
            Self::Event { run, seq, json } => tx
                .prepare_cached("INSERT OR IGNORE INTO events (run, seq, json) VALUES (?1, ?2, ?3)")?
                .execute((run, seq, json)),
            Self::Ended { run, status, ended } => tx
                .prepare_cached("UPDATE runs SET status = ?2, ended = ?3 WHERE id = ?1")?
                .execute((run, status, ended)),
            Self::Pinned { run, objects } => {
                each(tx, "INSERT OR IGNORE INTO pins (object, run) VALUES (?1, ?2)", objects, run)
            }
            Self::Removed { run } => {
                for table in ["pins", "events", "run_actions"] {
                    tx.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
                }
                tx.execute("DELETE FROM runs WHERE id = ?1", [run])
            }
            Self::Remembered { day, values } => Kept::insert(tx, *day, values),
            Self::Recalled { day, keys } => each(tx, "UPDATE memo SET used = ?2 WHERE key = ?1", keys, day),
            Self::Forgotten { keys } => each(tx, "DELETE FROM memo WHERE key = ?1 AND ?2", keys, true),
            Self::Expired { day } => tx.execute("DELETE FROM memo WHERE used <= ?1", [day]),
            Self::Moved { values } => Kept::update(tx, values),
        }
    }
}

/// Runs a statement with each key as its first parameter and `other` as its second.
fn each(
    tx: &Connection,
    sql: &str,
    keys: &[Hash],
    other: impl rusqlite::ToSql + Copy,
) -> rusqlite::Result<usize> {
    let mut statement = tx.prepare_cached(sql)?;
    keys.iter().try_fold(0, |rows, key| Ok(rows + statement.execute((key, other))?))
}

/// Makes these actions the latest of their steps and notes them for the run. Keys without an action are left out.
fn use_actions(tx: &Connection, run: &RunId, keys: &[Hash]) -> rusqlite::Result<usize> {
    let mut used: i64 =
        tx.prepare_cached("SELECT coalesce(max(used), 0) FROM actions")?.query_row([], |row| row.get(0))?;
    let mut touch = tx.prepare_cached("UPDATE actions SET used = ?2 WHERE key = ?1")?;
    let mut note = tx.prepare_cached("INSERT OR IGNORE INTO run_actions (run, key) VALUES (?1, ?2)")?;
    let mut rows = 0;
    for key in keys {
        used += 1;
        if touch.execute((key, used))? > 0 {
            note.execute((run, key))?;
            rows += 1;
        }
    }
    Ok(rows)
}

/// How many values are in one change of a snapshot.
const GROUP: usize = 256;

/// Hands over the changes that make the contents of an index out of an empty one.
pub(crate) fn snapshot<E: From<rusqlite::Error>>(
    index: &Connection,
    mut take: impl FnMut(&Change) -> Result<(), E>,
) -> Result<(), E> {
    let runs: Vec<(RunId, String, RunStatus, i64, Option<i64>)> =
        rows(index, "SELECT id, title, status, started, ended FROM runs ORDER BY number", |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?;
    for (run, title, status, started, ended) in runs {
        take(&Change::Begun { run, title, started })?;
        let mut events = index.prepare_cached("SELECT seq, json FROM events WHERE run = ?1 ORDER BY seq")?;
        let mut events = events.query([run])?;
        while let Some(row) = events.next()? {
            take(&Change::Event { run, seq: row.get(0)?, json: row.get(1)? })?;
        }
        take(&Change::Ended { run, status, ended })?;
    }
    let mut actions =
        index.prepare_cached("SELECT key, step, output, description, run FROM actions ORDER BY used")?;
    let mut actions = actions.query([])?;
    while let Some(row) = actions.next()? {
        take(&Change::from(&Action::from_row(row)?))?;
    }
    for (run, keys) in by_run(index, "SELECT run, key FROM run_actions ORDER BY run, key")? {
        take(&Change::Noted { run, keys })?;
    }
    for (run, objects) in by_run(index, "SELECT run, object FROM pins ORDER BY run, object")? {
        take(&Change::Pinned { run, objects })?;
    }
    snapshot_memo(index, take)
}

fn snapshot_memo<E: From<rusqlite::Error>>(
    index: &Connection,
    mut take: impl FnMut(&Change) -> Result<(), E>,
) -> Result<(), E> {
    let mut memo = index.prepare_cached(
        "SELECT hash, value, volume, start, length, used, key FROM memo ORDER BY used, key",
    )?;
    let mut memo = memo.query([])?;
    let (mut day, mut values) = (0, Vec::new());
    while let Some(row) = memo.next()? {
        // A row that makes no sense is no value.
        let Some((value, used)) = Kept::from_row(row)? else { continue };
        if !values.is_empty() && (used != day || values.len() >= GROUP) {
            take(&Change::Remembered { day, values: std::mem::take(&mut values) })?;
        }
        day = used;
        values.push(value);
    }
    if values.is_empty() { Ok(()) } else { take(&Change::Remembered { day, values }) }
}

fn by_run(index: &Connection, sql: &str) -> rusqlite::Result<BTreeMap<RunId, Vec<Hash>>> {
    let mut all = BTreeMap::<RunId, Vec<Hash>>::new();
    for (run, hash) in rows(index, sql, |row| Ok((row.get(0)?, row.get(1)?)))? {
        all.entry(run).or_default().push(hash);
    }
    Ok(all)
}

fn rows<T>(
    index: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    index.prepare_cached(sql)?.query_map([], read)?.collect()
}
