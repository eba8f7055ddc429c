//! The SQLite index: one connection behind a mutex, in WAL mode.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{Result, StoreError};

/// The schema that this program writes, and the only one that it reads; kept in `user_version`.
const SCHEMA_VERSION: u64 = 2;

/// How long to wait for another process's transaction. Transactions here take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Times are milliseconds since 1970-01-01 UTC. `used` orders the actions of a step: it grows
/// whenever one is recorded or used again. Events are only ever added. A value of the memo is in the
/// row if it is small, else in a volume; `used` is the day of its last use, as far as it was noted.
const SCHEMA: &str = "
CREATE TABLE actions (
    key BLOB PRIMARY KEY, step TEXT NOT NULL, output BLOB NOT NULL, description BLOB NOT NULL,
    run TEXT NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX actions_by_step ON actions (step, used);
CREATE INDEX actions_by_use ON actions (used);
CREATE TABLE run_actions (run TEXT NOT NULL, key BLOB NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE memo (
    key BLOB PRIMARY KEY, used INTEGER NOT NULL, hash BLOB NOT NULL,
    value BLOB, volume TEXT, start INTEGER, length INTEGER
) WITHOUT ROWID;
CREATE INDEX memo_by_volume ON memo (volume) WHERE volume IS NOT NULL;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    status TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER
);
CREATE TABLE events (
    run TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE pins (run TEXT NOT NULL, object BLOB NOT NULL, PRIMARY KEY (run, object)) WITHOUT ROWID;
";

/// When a change must be on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Before the call returns, even if the power fails: finished work.
    Now,
    /// Soon; a killed process loses nothing, a power cut the last moments: values of the memo, events.
    Soon,
}

/// The open index.
#[derive(Debug)]
pub(crate) struct Index {
    path: Utf8PathBuf,
    connection: Mutex<Connection>,
    read_only: bool,
}

impl Index {
    /// Opens the index at `path`. Without the right to write, it opens for reading only.
    ///
    /// `exclusive` runs its argument while no other process has the store in use; it is called only when the
    /// schema has to be made.
    pub(crate) fn open(
        path: &Utf8Path,
        exclusive: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<Self> {
        match Self::open_writable(path, exclusive) {
            Err(error) if cannot_write(&error) => {
                if path.is_file() {
                    Self::open_read_only(path)
                } else {
                    Err(StoreError::ReadOnly { path: path.to_owned() })
                }
            }
            opened => opened,
        }
    }

    fn open_writable(
        path: &Utf8Path,
        exclusive: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<Self> {
        let failed = |error| StoreError::index(path, error);
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        if connection.is_readonly("main").map_err(failed)? {
            return Err(StoreError::ReadOnly { path: path.to_owned() });
        }
        if check_version(&connection, path)? == 0 {
            exclusive(&mut || create_schema(&mut connection, path))?;
        }
        configure(&connection).map_err(failed)?;
        // A file that can be written in a folder that cannot: only a first access tells.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(failed)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), read_only: false })
    }

    /// Opens for reading. WAL mode needs to create a file beside the index even to read, which a read-only
    /// folder refuses; then the file is read as it is (`immutable`), which is right when nobody can write it
    /// and no change waits in the log beside it.
    fn open_read_only(path: &Utf8Path) -> Result<Self> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let try_open = |parameters: &str| -> Result<Self> {
            let uri = format!("file:{}?{parameters}", percent_encoded(path.as_str()));
            let failed = |error| StoreError::index(path, error);
            let connection = Connection::open_with_flags(uri, flags).map_err(failed)?;
            connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
            check_version(&connection, path)?;
            Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), read_only: true })
        };
        let log = Utf8PathBuf::from(format!("{path}-wal"));
        match try_open("mode=ro") {
            Err(error) if cannot_write(&error) => {
                if log.metadata().is_ok_and(|log| log.len() > 0) {
                    return Err(StoreError::ReadOnly { path: log });
                }
                try_open("mode=ro&immutable=1")
            }
            opened => opened,
        }
    }

    pub(crate) fn read_only(&self) -> bool {
        self.read_only
    }

    /// Runs queries.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        query(&self.lock()).map_err(|error| StoreError::index(&self.path, error))
    }

    /// Runs changes in one transaction: all of them happen or none.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        if self.read_only {
            return Err(StoreError::ReadOnly { path: self.path.clone() });
        }
        let mut connection = self.lock();
        let apply = || {
            let synchronous = if durability == Durability::Now { "FULL" } else { "NORMAL" };
            connection.pragma_update(None, "synchronous", synchronous)?;
            // Immediate: two writers queue up at the start instead of failing in the middle.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        apply().map_err(|error| StoreError::index(&self.path, error))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in a closure rolls its transaction back, so the connection is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the index grow by at most `pages` pages: a full disk for tests.
    #[cfg(test)]
    pub(crate) fn limit_growth(&self, pages: i64) -> Result<()> {
        self.read(|connection| {
            let now: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_update_and_check(None, "max_page_count", now + pages, |_| Ok(()))
        })
    }
}

/// The schema's version; 0 for an index without one. Any other than [`SCHEMA_VERSION`] is an error.
fn check_version(connection: &Connection, path: &Utf8Path) -> Result<u64> {
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| StoreError::index(path, error))?;
    let version = u64::try_from(version).unwrap_or(u64::MAX);
    let root = || path.parent().unwrap_or(path).to_owned();
    let (part, found, supported) = ("index", version, SCHEMA_VERSION);
    match version {
        0 | SCHEMA_VERSION => Ok(version),
        1..SCHEMA_VERSION => Err(StoreError::OlderFormat { root: root(), part, found, supported }),
        _ => Err(StoreError::NewerFormat { root: root(), part, found, supported }),
    }
}

fn create_schema(connection: &mut Connection, path: &Utf8Path) -> Result<()> {
    // Another process may have made it while this one waited for its turn.
    if check_version(connection, path)? != 0 {
        return Ok(());
    }
    let mut create = || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION as i64)?;
        transaction.commit()
    };
    create().map_err(|error| StoreError::index(path, error))
}

/// Settings of a connection, which do not persist.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Sixteen megabytes of log, not four: groups of values land on the same pages again and again, and each
    // page is written back once per checkpoint of the log.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // 32 MiB of pages: inserts into the memo land on random pages of one B-tree.
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Whether opening failed because files cannot be written or created.
fn cannot_write(error: &StoreError) -> bool {
    match error {
        StoreError::ReadOnly { .. } => true,
        StoreError::Index { source, .. } => {
            source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
        }
        _ => false,
    }
}

/// A path in a URI: SQLite takes `?`, `#` and `%` as syntax.
fn percent_encoded(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}
