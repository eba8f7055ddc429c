//! The journal: every change of the index, one line each, in the order in which they were made.
//!
//! ```text
//! assay-store 3 journal kzxyqrstuvwxyzkl
//! 0f3a9c5d7e112233 {"change":"begun","run":"...","title":"table-05","started":1764400000000}
//! ```
//!
//! The first line names the format and this journal; every other one is a [`Change`] after the first 16 hexadecimal digits
//! of its BLAKE3 hash. A damaged line is noticed and left out, and the others stay good. An index that is damaged or gone
//! is made anew by making the changes again.
//!
//! # How index and journal keep together
//!
//! A change is appended while SQLite's write lock is held, before it is committed, and the index notes in the same
//! transaction which journal it follows, and how long that is then ([`Position`]). So whoever has the lock knows what a kill or
//! a power cut has left behind: lines beyond the position are made up for; an index of another journal is made anew from
//! this one; a journal that is shorter than the index knows, or gone, is written anew from the index.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OptionalExtension};

use crate::change::{self, Change};
use crate::index::SCHEMA;
use crate::layout::{FORMAT, FORMAT_MAGIC, Layout};
use crate::{Hash, Result, RunId, StoreError, durable};

/// The length of the first line in bytes.
const HEADER: usize = "assay-store 3 journal kzxyqrstuvwxyzkl\n".len();

/// How many hexadecimal digits of its hash stand before a change.
const SUM: usize = 16;

/// Which journal an index was made from, and how many bytes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) journal: RunId,
    pub(crate) length: u64,
}

impl Position {
    /// The position that the index notes; `None` in a new one.
    pub(crate) fn read(index: &Connection) -> rusqlite::Result<Option<Self>> {
        index
            .prepare_cached("SELECT journal, length FROM position")?
            .query_row([], |row| {
                Ok(Self { journal: row.get(0)?, length: row.get::<_, i64>(1)?.unsigned_abs() })
            })
            .optional()
    }

    pub(crate) fn write(self, index: &Connection) -> rusqlite::Result<()> {
        index
            .prepare_cached("INSERT OR REPLACE INTO position (one, journal, length) VALUES (1, ?1, ?2)")?
            .execute((self.journal, self.length.cast_signed()))
            .map(|_| ())
    }
}

/// The file of the journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: Utf8PathBuf,
    /// For errors of SQLite.
    index: Utf8PathBuf,
}

/// What [`Journal::replay`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Changes that were made.
    pub(crate) changes: u64,
    /// Lines that are no changes.
    pub(crate) damaged: u64,
    /// Where the last whole line ends.
    pub(crate) end: u64,
}

impl Journal {
    pub(crate) fn of(layout: &Layout) -> Self {
        Self { path: layout.journal(), index: layout.index() }
    }

    /// The index that follows it.
    pub(crate) fn index(&self) -> &Utf8Path {
        &self.index
    }

    /// Its name; `None` if there is none, or if its first line is damaged.
    pub(crate) fn name(&self) -> Result<Option<RunId>> {
        self.open()?.map_or(Ok(None), |file| self.name_in(&file))
    }

    fn name_in(&self, file: &File) -> Result<Option<RunId>> {
        let mut line = [0; HEADER];
        let mut file = BufReader::with_capacity(HEADER, file);
        file.rewind().map_err(|error| self.unreadable(error))?;
        match file.read_exact(&mut line) {
            Ok(()) => Ok(parse_header(&line)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    /// Makes the changes whose lines begin at `from` or later and end at `to` or before.
    pub(crate) fn replay(&self, index: &Connection, from: u64, to: u64) -> Result<Replayed> {
        match self.open()? {
            Some(file) => self.replay_file(file, index, from, to),
            None => Ok(Replayed { end: from, ..Replayed::default() }),
        }
    }

    fn replay_file(&self, mut file: File, index: &Connection, from: u64, to: u64) -> Result<Replayed> {
        let mut replayed = Replayed { end: from, ..Replayed::default() };
        file.seek(SeekFrom::Start(from)).map_err(|error| self.unreadable(error))?;
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = file.read_until(b'\n', &mut line).map_err(|error| self.unreadable(error))? as u64;
            if line.last() != Some(&b'\n') || replayed.end + length > to {
                return Ok(replayed);
            }
            if replayed.end > 0 {
                match parse(&line) {
                    Some(change) => {
                        change.apply(index).map_err(|error| StoreError::index(&self.index, error))?;
                        replayed.changes += 1;
                    }
                    None => replayed.damaged += 1,
                }
            } else if parse_header(&line).is_none() {
                replayed.damaged += 1;
            }
            replayed.end += length;
        }
    }

    /// Its name, and an index in memory of it: of the first `length` bytes of the journal `known`, or of all of another one.
    pub(crate) fn contents(&self, known: Position) -> Result<(Option<RunId>, Connection, Replayed)> {
        let failed = |error| StoreError::index(&self.index, error);
        let model = Connection::open_in_memory().map_err(failed)?;
        model.execute_batch(SCHEMA).map_err(failed)?;
        // Opened once: it may be written anew meanwhile.
        let Some(file) = self.open()? else { return Ok((None, model, Replayed::default())) };
        let name = self.name_in(&file)?;
        let to = if name == Some(known.journal) { known.length } else { u64::MAX };
        let replayed = self.replay_file(file, &model, 0, to)?;
        Ok((name, model, replayed))
    }

    /// Brings index and journal together within a transaction that holds the write lock, and returns where they are.
    pub(crate) fn catch_up(&self, tx: &Connection) -> Result<Position> {
        let failed = |error| StoreError::index(&self.index, error);
        let (name, length) = match self.open()? {
            None => (None, 0),
            Some(file) => {
                let metadata = file.metadata().map_err(|error| self.unreadable(error))?;
                (self.name_in(&file)?, metadata.len())
            }
        };
        let noted = Position::read(tx).map_err(failed)?;
        let position = match (name, noted) {
            (Some(name), Some(noted)) if name == noted.journal && length == noted.length => return Ok(noted),
            (Some(name), Some(noted)) if name == noted.journal && length > noted.length => {
                let replayed = self.replay(tx, noted.length, length)?;
                self.caught_up(tx, name, replayed)?
            }
            // The index is not of this journal, which is the whole truth: an old copy was put back, or the index has lost its
            // last changes.
            (Some(name), noted) if noted.is_none_or(|noted| noted.journal != name) => {
                clear(tx).map_err(failed)?;
                let replayed = self.replay(tx, 0, length)?;
                self.caught_up(tx, name, replayed)?
            }
            // It is gone, damaged at its beginning, or has lost its end: the index knows more.
            _ => self.rewrite(tx)?,
        };
        position.write(tx).map_err(failed)?;
        Ok(position)
    }

    /// The position after a replay: of a journal without half a line at its end, or of a new one if lines are damaged.
    fn caught_up(&self, tx: &Connection, name: RunId, replayed: Replayed) -> Result<Position> {
        if replayed.damaged > 0 {
            return self.rewrite(tx);
        }
        self.cut(replayed.end)?;
        Ok(Position { journal: name, length: replayed.end })
    }

    /// Writes a journal of what the index holds in the place of this one. The caller notes the position.
    pub(crate) fn rewrite(&self, index: &Connection) -> Result<Position> {
        let name = RunId::fresh();
        let new = Utf8PathBuf::from(format!("{}.new", self.path));
        let written = self.write_snapshot(index, name, &new);
        if written.is_err() {
            // What is left of it is written over by the next one.
            let _ = durable::remove_file(&new);
        }
        let length = written?;
        fs::rename(&new, &self.path).map_err(|error| StoreError::write("replace", &self.path, error))?;
        if let Some(folder) = self.path.parent() {
            durable::sync_dir(folder)?;
        }
        Ok(Position { journal: name, length })
    }

    fn write_snapshot(&self, index: &Connection, name: RunId, new: &Utf8Path) -> Result<u64> {
        let failed = |error| StoreError::write("write", new, error);
        let mut file = BufWriter::new(File::create(new).map_err(failed)?);
        let header = header(name);
        file.write_all(header.as_bytes()).map_err(failed)?;
        let mut length = header.len() as u64;
        change::snapshot(index, |change| -> Result<(), SnapshotError> {
            let line = line(change).map_err(SnapshotError::Json)?;
            length += line.len() as u64;
            file.write_all(line.as_bytes()).map_err(SnapshotError::File)
        })
        .map_err(|error| match error {
            SnapshotError::Index(error) => StoreError::index(&self.index, error),
            SnapshotError::Json(error) => StoreError::BadValue(error),
            SnapshotError::File(error) => failed(error),
        })?;
        file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
        Ok(length)
    }

    /// Appends lines at `position`, which must be the end; synced if `sync`. The caller holds the write lock for as long as
    /// they are not kept.
    pub(crate) fn append(&self, position: Position, lines: &str, sync: bool) -> Result<Appended<'_>> {
        let failed = |error| StoreError::write("write", &self.path, error);
        let mut file = OpenOptions::new().append(true).open(&self.path).map_err(failed)?;
        let appended = Appended { journal: self, before: position.length, kept: false };
        file.write_all(lines.as_bytes()).map_err(failed)?;
        if sync {
            file.sync_data().map_err(failed)?;
        }
        Ok(appended)
    }

    fn cut(&self, length: u64) -> Result<()> {
        OpenOptions::new()
            .write(true)
            .open(&self.path)
            .and_then(|file| file.set_len(length))
            .map_err(|error| StoreError::write("shorten", &self.path, error))
    }

    fn open(&self) -> Result<Option<File>> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn unreadable(&self, error: io::Error) -> StoreError {
        StoreError::read("read", &self.path, error)
    }
}

/// Lines at the end of the journal, which are cut off again unless they are kept.
pub(crate) struct Appended<'a> {
    journal: &'a Journal,
    before: u64,
    kept: bool,
}

impl Appended<'_> {
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Appended<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // If this fails, the change is made by the next one who writes, as after a kill.
            let _ = self.journal.cut(self.before);
        }
    }
}

enum SnapshotError {
    Index(rusqlite::Error),
    Json(serde_json::Error),
    File(io::Error),
}

impl From<rusqlite::Error> for SnapshotError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}

/// Empties an index.
fn clear(index: &Connection) -> rusqlite::Result<()> {
    index.execute_batch(
        "DELETE FROM actions; DELETE FROM run_actions; DELETE FROM memo; DELETE FROM runs; DELETE FROM events;
         DELETE FROM pins; DELETE FROM position;",
    )
}

fn header(name: RunId) -> String {
    format!("{FORMAT_MAGIC}{FORMAT} journal {name}\n")
}

fn parse_header(line: &[u8]) -> Option<RunId> {
    let name = str::from_utf8(line).ok()?.trim_end().rsplit(' ').next()?.parse().ok()?;
    (line == header(name).as_bytes()).then_some(name)
}

fn sum(json: &[u8]) -> String {
    let mut hex = Hash::of(json).to_string();
    hex.truncate(SUM);
    hex
}

/// A change as a line.
pub(crate) fn line(change: &Change) -> serde_json::Result<String> {
    let json = serde_json::to_string(change)?;
    Ok(format!("{} {json}\n", sum(json.as_bytes())))
}

/// The change of a line; `None` if it is damaged.
fn parse(line: &[u8]) -> Option<Change> {
    let (found, rest) = line.split_at_checked(SUM)?;
    let json = rest.strip_prefix(b" ")?.strip_suffix(b"\n")?;
    if found != sum(json).as_bytes() {
        return None;
    }
    serde_json::from_slice(json).ok()
}
