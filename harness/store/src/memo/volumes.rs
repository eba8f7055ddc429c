//! Large values of the memo: append-only files beside the index.
//!
//! `memo/ID.volume` is a sequence of records, each a header of 64 bytes and the value:
//!
//! ```text
//! "assaymem"  key:32  hash:16  length:u64-le  value
//! ```
//!
//! The index says where the record of a key starts; a record that no row of the index points to is dead.
//! Records are synced before a row points to them, so a kill or a power cut leaves a dead record or half of
//! one, never a row that points to nothing. They carry their keys, so that the rows can be made again.
//!
//! A writer holds a file lock on its volume while it appends, and takes any volume that nobody holds and
//! that has room. So there are about as many volumes as `VOLUME_SIZE` goes into the size of all values, or as
//! there were writers at a time if these were more. Writers also share the store's `active.lock`, so no volume
//! is removed while values are stored. Readers need no lock: a value whose file has gone is looked up again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::check::Check;
use crate::lock::{Locked, Wait};
use crate::{Hash, Result, RunId, StoreError, durable};

/// A volume of this size takes no more records, so a volume holds up to this and one group of values.
const VOLUME_SIZE: u64 = 256 << 20;

const SUFFIX: &str = ".volume";
const MAGIC: &[u8; 8] = b"assaymem";
const HEADER: usize = 64;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) volume: RunId,
    /// Where its header starts, in bytes from the start of the file.
    pub(crate) start: u64,
    /// The length of its value in bytes.
    pub(crate) length: u64,
}

impl Place {
    /// The space that a record takes, for a value of `length` bytes.
    pub(super) const fn space(length: u64) -> u64 {
        HEADER as u64 + length
    }
}

fn header(key: &Hash, hash: &Check, length: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..40].copy_from_slice(key.as_bytes());
    header[40..56].copy_from_slice(hash.as_bytes());
    header[56..].copy_from_slice(&length.to_le_bytes());
    header
}

/// The path of a volume in the folder `dir`.
pub(super) fn path(dir: &Utf8Path, volume: &RunId) -> Utf8PathBuf {
    dir.join(format!("{volume}{SUFFIX}"))
}

/// A volume as the file system sees it.
pub(super) struct Volume {
    pub(super) id: RunId,
    pub(super) path: Utf8PathBuf,
    pub(super) size: u64,
}

/// The volumes in the folder `dir`, in the order of their names, and what else lies there.
pub(super) fn list(dir: &Utf8Path) -> Result<(Vec<Volume>, Vec<Utf8PathBuf>)> {
    let (mut volumes, mut strays) = (Vec::new(), Vec::new());
    for (name, path, kind) in durable::entries(dir)? {
        match name.strip_suffix(SUFFIX).and_then(|id| id.parse().ok()) {
            Some(id) if kind.is_file() => match fs::metadata(&path) {
                Ok(metadata) => volumes.push(Volume { id, path, size: metadata.len() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::read("look at", &path, error)),
            },
            _ => strays.push(path),
        }
    }
    Ok((volumes, strays))
}

/// Reads records; keeps the files that it has opened.
pub(super) struct Reader<'a> {
    dir: &'a Utf8Path,
    files: HashMap<RunId, File>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(dir: &'a Utf8Path) -> Self {
        Self { dir, files: HashMap::new() }
    }

    /// The value of a record; `None` if the record is damaged or not there.
    pub(super) fn read(&mut self, key: &Hash, hash: &Check, place: &Place) -> Result<Option<Vec<u8>>> {
        match self.try_read(key, hash, place) {
            Ok(value) => Ok(value),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(StoreError::read("read", &path(self.dir, &place.volume), error)),
        }
    }

    fn try_read(&mut self, key: &Hash, hash: &Check, place: &Place) -> io::Result<Option<Vec<u8>>> {
        let mut file = match self.files.get(&place.volume) {
            Some(file) => file,
            None => {
                let file = File::open(path(self.dir, &place.volume))?;
                self.files.entry(place.volume).or_insert(file)
            }
        };
        // A damaged length must not ask for all memory.
        let end = place.start.checked_add(Place::space(0)).and_then(|end| end.checked_add(place.length));
        if end.is_none_or(|end| end > file.metadata().map_or(0, |metadata| metadata.len())) {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(place.start))?;
        let mut found = [0; HEADER];
        file.read_exact(&mut found)?;
        if found != header(key, hash, place.length) {
            return Ok(None);
        }
        let mut value = Vec::new();
        file.take(place.length).read_to_end(&mut value)?;
        Ok((Check::of(key, &value) == *hash).then_some(value))
    }
}

/// Whether an error means that the bytes are lost, and not that they cannot be read at the moment.
fn is_damage(error: &io::Error) -> bool {
    /// Linux, macOS: the disk cannot read a sector.
    const EIO: i32 = 5;
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
        || cfg!(unix) && error.raw_os_error() == Some(EIO)
}

/// Appends records to one volume, which nobody else writes meanwhile. Unless it is kept, what was appended is
/// cut off again when this is dropped.
pub(super) struct Writer {
    volume: RunId,
    path: Utf8PathBuf,
    file: Locked,
    /// The size of the file before the first record.
    before: u64,
    end: u64,
    kept: bool,
}

impl Writer {
    /// Takes a volume that has room and that nobody writes, or makes one.
    pub(super) fn open(dir: &Utf8Path) -> Result<Self> {
        for Volume { id, path, size } in list(dir)?.0 {
            if size < VOLUME_SIZE {
                let locked = Locked::exclusive(&path, Wait::No)
                    .map_err(|error| StoreError::write("lock", &path, error))?;
                if let Some(file) = locked {
                    return Self::at_end(id, path, file);
                }
            }
        }
        Self::create(dir)
    }

    /// Makes a volume.
    pub(super) fn create(dir: &Utf8Path) -> Result<Self> {
        let id = RunId::fresh();
        let path = path(dir, &id);
        let file = Locked::exclusive(&path, Wait::Yes)
            .map_err(|error| StoreError::write("create", &path, error))?
            .ok_or_else(|| StoreError::Busy { root: dir.to_owned(), what: "a volume has this name" })?;
        durable::sync_dir(dir)?;
        Self::at_end(id, path, file)
    }

    fn at_end(volume: RunId, path: Utf8PathBuf, file: Locked) -> Result<Self> {
        let mut handle = file.file();
        let before =
            handle.seek(SeekFrom::End(0)).map_err(|error| StoreError::read("look at", &path, error))?;
        Ok(Self { volume, path, file, before, end: before, kept: false })
    }

    /// Appends a record.
    pub(super) fn append(&mut self, key: &Hash, hash: &Check, value: &[u8]) -> Result<Place> {
        let length = value.len() as u64;
        let place = Place { volume: self.volume, start: self.end, length };
        let mut file = self.file.file();
        file.write_all(&header(key, hash, length))
            .and_then(|()| file.write_all(value))
            .map_err(|error| StoreError::write("write", &self.path, error))?;
        self.end += Place::space(length);
        Ok(place)
    }

    /// Makes the records durable: from now on rows may point to them.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.file().sync_data().map_err(|error| StoreError::write("sync", &self.path, error))
    }

    /// Ends the work; the records stay.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.kept {
            // If this fails, the records are dead; garbage collection removes them.
            let _ = self.file.file().set_len(self.before);
        }
    }
}
