//! The SQLite index: one connection behind a mutex, in WAL mode, beside its [journal](crate::journal).

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use serde::Serialize;

use crate::change::Change;
use crate::journal::{self, Appended, Journal, Position};
use crate::layout::Layout;
use crate::lock::{Locked, Wait};
use crate::{Result, RunId, StoreError, durable};

/// The schema that this program writes, and the only one that it reads; kept in `user_version`. The format of the
/// [layout](crate::layout) is raised with it.
const SCHEMA_VERSION: i64 = 3;

/// How long to wait for another process's transaction. Transactions here take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often, and how long apart, the store is asked for alone to make its index.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// Actions have rows of their own beside the index of their keys: a description is longer than a page has room for, and a
/// look-up would otherwise read it at every comparison. Times are milliseconds since 1970-01-01 UTC. `used` orders the actions of a step: it grows
/// whenever one is recorded or used again. Events are only ever added. A value of the memo is in the
/// row if it is small, else in a volume; `used` is the day of its last use, as far as it was noted. The one row of
/// `position` says up to where the journal is in this index.
pub(crate) const SCHEMA: &str = "
CREATE TABLE actions (
    key BLOB NOT NULL UNIQUE, step TEXT NOT NULL, output BLOB NOT NULL, run TEXT NOT NULL,
    used INTEGER NOT NULL, description BLOB NOT NULL
);
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
CREATE TABLE position (one INTEGER PRIMARY KEY, journal TEXT NOT NULL, length INTEGER NOT NULL);
";

/// When a change must be on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Before the call returns, even if the power fails: finished work.
    Now,
    /// Soon; a killed process loses nothing, a power cut the last moments: values of the memo, events.
    Soon,
}

/// An index that was made anew from its journal, because the former one was damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// What was wrong with the former index.
    pub reason: String,
    /// Where the former index is now.
    pub set_aside: Utf8PathBuf,
    /// How many changes were found in the journal.
    pub changes: u64,
    /// How many lines of the journal are damaged: what they said is lost.
    pub damaged: u64,
}

/// The open index.
#[derive(Debug)]
pub(crate) struct Index {
    layout: Layout,
    path: Utf8PathBuf,
    journal: Journal,
    open: Mutex<Open>,
    read_only: bool,
    rebuilt: Option<Rebuilt>,
}

/// A connection, and the file that it is to.
#[derive(Debug)]
struct Open {
    connection: Connection,
    file: Option<FileId>,
}

/// What tells files apart that have had the same name: device and number.
type FileId = (u64, u64);

impl Index {
    /// Opens the index of a store, and makes it anew if it is damaged. Without the right to write, it opens for reading
    /// only.
    pub(crate) fn open(layout: &Layout) -> Result<Self> {
        match Self::open_writable(layout) {
            Err(error) if cannot_write(&error) => {
                if layout.index().is_file() {
                    Self::open_read_only(layout)
                } else {
                    Err(StoreError::ReadOnly { path: layout.index() })
                }
            }
            opened => opened,
        }
    }

    fn open_writable(layout: &Layout) -> Result<Self> {
        let path = layout.index();
        let mut rebuilt = None;
        let connection = match connect(layout) {
            Ok(Some(connection)) => connection,
            Ok(None) => alone(layout, || create(layout).map(|(connection, ..)| connection))?,
            Err(StoreError::IndexDamaged { .. }) => {
                let (connection, what) = alone(layout, || make_anew(layout))?;
                rebuilt = what;
                connection
            }
            Err(error) => return Err(error),
        };
        let open = Open::new(connection, &path)?;
        Ok(Self::with(layout, open, false, rebuilt))
    }

    fn with(layout: &Layout, open: Open, read_only: bool, rebuilt: Option<Rebuilt>) -> Self {
        let (path, journal) = (layout.index(), Journal::of(layout));
        Self { layout: layout.clone(), path, journal, open: Mutex::new(open), read_only, rebuilt }
    }

    /// Opens for reading. WAL mode needs to create a file beside the index even to read, which a read-only
    /// folder refuses; then the file is read as it is (`immutable`), which is right when nobody can write it
    /// and no change waits in the log beside it.
    fn open_read_only(layout: &Layout) -> Result<Self> {
        let path = layout.index();
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let try_open = |parameters: &str| -> Result<Self> {
            let uri = format!("file:{}?{parameters}", percent_encoded(path.as_str()));
            let failed = |error| StoreError::index(&path, error);
            let connection = Connection::open_with_flags(uri, flags).map_err(failed)?;
            connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
            if version(&connection).map_err(failed)? != SCHEMA_VERSION {
                return Err(damaged(&path, "its version is not that of the store"));
            }
            let open = Open { connection, file: file_at(&path) };
            Ok(Self::with(layout, open, true, None))
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

    pub(crate) fn rebuilt(&self) -> Option<&Rebuilt> {
        self.rebuilt.as_ref()
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Runs queries.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        query(&self.lock().connection).map_err(|error| self.met(StoreError::index(&self.path, error)))
    }

    /// Makes one change.
    pub(crate) fn change(&self, durability: Durability, change: &Change) -> Result<()> {
        self.write(durability, |writer| writer.apply(change).map(|_| ()))
    }

    /// Makes changes in one transaction: all of them happen or none.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        change: impl FnOnce(&mut Writer<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.transact(|tx, position| {
            let mut writer = Writer { tx, lines: String::new() };
            let value = change(&mut writer).map_err(|error| StoreError::index(&self.path, error))?;
            let lines = writer.lines;
            if lines.is_empty() {
                return Ok((value, position, None));
            }
            // The journal is what must be on the disk: the index follows it.
            let appended = self.journal.append(position, &lines, durability == Durability::Now)?;
            let position = Position { length: position.length + lines.len() as u64, ..position };
            Ok((value, position, Some(appended)))
        })
    }

    /// Makes the changes up for which a killed process left lines in the journal.
    pub(crate) fn catch_up(&self) -> Result<()> {
        self.transact(|_, position| Ok(((), position, None)))
    }

    /// Runs `work` in a transaction, after the journal has been caught up with; commits and notes the new position.
    fn transact<'a, T>(
        &'a self,
        work: impl FnOnce(&Transaction<'_>, Position) -> Result<(T, Position, Option<Appended<'a>>)>,
    ) -> Result<T> {
        if self.read_only {
            return Err(StoreError::ReadOnly { path: self.path.clone() });
        }
        let failed = |error| StoreError::index(&self.path, error);
        let mut open = self.lock();
        let all = || {
            // Another process has made the index anew, and set this one aside.
            if let Some(connection) = match file_at(&self.path) == open.file {
                true => None,
                false => connect(&self.layout)?,
            } {
                *open = Open::new(connection, &self.path)?;
            }
            let Open { connection, file } = &mut *open;
            // Immediate: two writers queue up at the start instead of failing in the middle.
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            if file_at(&self.path) != *file {
                let (root, what) = (self.layout.root().to_owned(), "its index has just been made anew");
                return Err(StoreError::Busy { root, what });
            }
            let position = self.journal.catch_up(&tx)?;
            let (value, position, appended) = work(&tx, position)?;
            position.write(&tx).map_err(failed)?;
            let committed = tx.execute_batch("COMMIT");
            // While the transaction is open, so is the right to take the lines back. Else they are made up for, as after a
            // kill.
            let taken_back = committed.is_err() && !tx.is_autocommit();
            if let Some(appended) = appended.filter(|_| !taken_back) {
                appended.keep();
            }
            committed.map_err(failed)?;
            Ok(value)
        };
        all().map_err(|error| self.met(error))
    }

    /// Writes the journal anew, without what has been removed since: from itself, so that damage of the index does not get
    /// into it, or from the index if it has damaged lines.
    pub(crate) fn shorten_journal(&self) -> Result<()> {
        // It is read while others go on writing. With their right to write held back, only what they have added is.
        let noted = self.read(Position::read)?;
        let begun = noted.map(|noted| self.journal.contents(noted)).transpose();
        let begun = begun.map_err(|error| self.met(error))?;
        self.transact(|tx, position| {
            let (model, replayed) = match begun {
                Some((Some(name), model, replayed)) if name == position.journal => {
                    let rest = self.journal.replay(&model, replayed.end, position.length)?;
                    let damaged = replayed.damaged + rest.damaged;
                    (model, journal::Replayed { damaged, ..rest })
                }
                _ => {
                    let (_, model, replayed) = self.journal.contents(position)?;
                    (model, replayed)
                }
            };
            let sound = replayed.damaged == 0 && replayed.end == position.length;
            Ok(((), self.journal.rewrite(if sound { &model } else { tx })?, None))
        })
    }

    /// Lets the next one who opens the index make it anew.
    pub(crate) fn mark_damaged(&self) {
        if !self.read_only {
            // Without the mark the damage is met again, and marked then.
            let _ = fs::write(self.layout.index_mark(), "");
        }
    }

    /// Writes the journal anew from the index, of which more is sound.
    pub(crate) fn replace_journal(&self) -> Result<()> {
        self.transact(|tx, _| Ok(((), self.journal.rewrite(tx)?, None)))
    }

    /// Looks at the index while nobody changes it or the journal.
    pub(crate) fn look_alone<T>(&self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let failed = |error| StoreError::index(&self.path, error);
        let mut open = self.lock();
        let tx = open.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        tx.map_err(failed).and_then(|tx| look(&tx)).map_err(|error| self.met(error))
    }

    /// Notes what an error says about the store.
    fn met(&self, error: StoreError) -> StoreError {
        if !self.path.exists() {
            return StoreError::Gone { root: self.path.parent().unwrap_or(&self.path).to_owned() };
        }
        if matches!(error, StoreError::IndexDamaged { .. }) {
            self.mark_damaged();
        }
        error
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // A panic in a closure rolls its transaction back, so the connection is sound.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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

impl Open {
    fn new(connection: Connection, path: &Utf8Path) -> Result<Self> {
        configure(&connection).map_err(|error| StoreError::index(path, error))?;
        Ok(Self { connection, file: file_at(path) })
    }
}

/// The file that has a name now; `None` if none has, or where files have no numbers.
fn file_at(path: &Utf8Path) -> Option<FileId> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// A transaction that changes the index.
pub(crate) struct Writer<'a> {
    tx: &'a Transaction<'a>,
    lines: String,
}

impl Writer<'_> {
    /// The index as it is now, to look at.
    pub(crate) fn tx(&self) -> &Connection {
        self.tx
    }

    /// Makes a change; returns how many rows it changed.
    pub(crate) fn apply(&mut self, change: &Change) -> rusqlite::Result<usize> {
        let line = journal::line(change)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let rows = change.apply(self.tx)?;
        if rows > 0 {
            self.lines.push_str(&line);
        }
        Ok(rows)
    }
}

/// Runs `work` while no other process has the store in use. Waits for short uses only: a run can take hours.
fn alone<T>(layout: &Layout, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let path = layout.active_lock();
    for _ in 0..ATTEMPTS {
        let alone = Locked::exclusive(&path, Wait::No);
        if let Some(_alone) = alone.map_err(|error| StoreError::write("lock", &path, error))? {
            return work();
        }
        thread::sleep(PAUSE);
    }
    Err(StoreError::Busy {
        root: layout.root().to_owned(),
        what: "its index has to be made, or made anew, while nobody else uses it",
    })
}

/// Connects to an index that is there and looks sound; `None` if it must be made.
fn connect(layout: &Layout) -> Result<Option<Connection>> {
    let path = layout.index();
    let failed = |error| StoreError::index(&path, error);
    if layout.index_mark().is_file() {
        return Err(damaged(&path, "a former command met damage in it"));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    if connection.is_readonly("main").map_err(failed)? {
        return Err(StoreError::ReadOnly { path });
    }
    let version = version(&connection).map_err(failed)?;
    // A file that can be written in a folder that cannot: only a first access tells.
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match (version, tables) {
        (0, 0) => Ok(None),
        (SCHEMA_VERSION, _) => {
            // Reads the schema and a page of the table that every change needs.
            Position::read(&connection).map_err(failed)?;
            Ok(Some(connection))
        }
        _ => Err(damaged(&path, "its version is not that of the store")),
    }
}

/// Makes the index from its journal, in one transaction: a kill leaves none.
fn create(layout: &Layout) -> Result<(Connection, journal::Replayed)> {
    // Another process may have made it while this one waited for its turn.
    if let Some(connection) = connect(layout)? {
        return Ok((connection, journal::Replayed::default()));
    }
    let path = layout.index();
    let failed = |error| StoreError::index(&path, error);
    let mut connection = Connection::open(&path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    tx.execute_batch(SCHEMA).map_err(failed)?;
    let journal = Journal::of(layout);
    let replayed = journal.replay(&tx, 0, u64::MAX)?;
    // Without a name, or with damaged lines, it is written anew by the first change.
    if let Some(name) = journal.name()?.filter(|_| replayed.damaged == 0) {
        Position { journal: name, length: replayed.end }.write(&tx).map_err(failed)?;
    }
    tx.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(failed)?;
    tx.commit().map_err(failed)?;
    Ok((connection, replayed))
}

/// Sets a damaged index aside and makes a new one from the journal.
fn make_anew(layout: &Layout) -> Result<(Connection, Option<Rebuilt>)> {
    let reason = match connect(layout) {
        // Another process has made it anew.
        Ok(Some(connection)) => return Ok((connection, None)),
        Ok(None) => "it was empty".to_owned(),
        Err(StoreError::IndexDamaged { source, .. }) => source.to_string(),
        Err(error) => return Err(error),
    };
    durable::create_dir(&layout.corrupt())?;
    let name = RunId::fresh();
    let aside = |end: &str| layout.corrupt().join(format!("index-{name}.sqlite{end}"));
    // The index goes last: while it is there, whoever comes after a kill does all of this again.
    for end in ["-shm", "-wal", ""] {
        let file = Utf8PathBuf::from(format!("{}{end}", layout.index()));
        match fs::rename(&file, aside(end)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::write("set aside", &file, error));
            }
            _ => {}
        }
    }
    durable::remove_file(&layout.index_mark())?;
    let (connection, replayed) = create(layout)?;
    let journal::Replayed { changes, damaged, .. } = replayed;
    Ok((connection, Some(Rebuilt { reason, set_aside: aside(""), changes, damaged })))
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn damaged(path: &Utf8Path, what: &str) -> StoreError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    let source = rusqlite::Error::SqliteFailure(code, Some(what.to_owned()));
    StoreError::IndexDamaged { path: path.to_owned(), source }
}

/// Settings of a connection, which do not persist.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // A power cut may take the last changes from the index; the journal, which is synced, gives them back.
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
