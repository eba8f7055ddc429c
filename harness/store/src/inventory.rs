//! Counting what a store holds.

use std::fs;
use std::io;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::{Hash, Result, Store, StoreError, durable};

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Objects, files and trees.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Recorded actions.
    pub actions: u64,
    /// Values of the memo.
    pub memo_values: u64,
    /// Their bytes.
    pub memo_bytes: u64,
    /// The bytes of the files for large values of the memo; with dead records, which garbage collection removes.
    pub memo_file_bytes: u64,
    /// Recorded runs.
    pub runs: u64,
    /// Events of all runs.
    pub events: u64,
    /// Checkpoint folders.
    pub checkpoints: u64,
    /// The bytes in them.
    pub checkpoint_bytes: u64,
    /// Corrupt objects that were set aside.
    pub set_aside: u64,
    /// Their bytes.
    pub set_aside_bytes: u64,
}

/// An object as the file system sees it.
pub(crate) struct Stored {
    pub(crate) hash: Hash,
    pub(crate) path: Utf8PathBuf,
    pub(crate) size: u64,
    /// When it was put, or put again.
    pub(crate) put: SystemTime,
}

/// All objects, in the order of their hashes, and what else lies among them.
#[derive(Default)]
pub(crate) struct Inventory {
    pub(crate) objects: Vec<Stored>,
    pub(crate) strays: Vec<Utf8PathBuf>,
}

impl Store {
    /// Counts what the store holds.
    pub fn stats(&self) -> Result<Stats> {
        let mut stats = self.index().read(|connection| {
            connection.query_row(
                "SELECT (SELECT count(*) FROM actions), count(*), coalesce(sum(coalesce(length, length(value))), 0),
                        (SELECT count(*) FROM runs), (SELECT count(*) FROM events)
                 FROM memo",
                [],
                |row| {
                    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                    Ok(Stats {
                        actions: count(0)?,
                        memo_values: count(1)?,
                        memo_bytes: count(2)?,
                        runs: count(3)?,
                        events: count(4)?,
                        ..Stats::default()
                    })
                },
            )
        })?;
        for object in self.inventory()?.objects {
            stats.objects += 1;
            stats.object_bytes += object.size;
        }
        stats.memo_file_bytes = self.memo_file_bytes()?;
        for (_, path, _) in durable::entries(&self.layout().checkpoints())? {
            stats.checkpoints += 1;
            stats.checkpoint_bytes += usage(&path)?.bytes;
        }
        for (_, path, _) in durable::entries(&self.layout().corrupt())? {
            stats.set_aside += 1;
            stats.set_aside_bytes += usage(&path)?.bytes;
        }
        Ok(stats)
    }

    pub(crate) fn inventory(&self) -> Result<Inventory> {
        let mut inventory = Inventory::default();
        for (shard, folder, kind) in durable::entries(&self.layout().objects())? {
            if !kind.is_dir() {
                inventory.strays.push(folder);
                continue;
            }
            for (rest, path, kind) in durable::entries(&folder)? {
                match format!("{shard}{rest}").parse() {
                    Ok(hash) if kind.is_file() && self.layout().object(&hash) == path => {
                        let Some(metadata) = if_there(fs::metadata(&path), &path)? else { continue };
                        inventory.objects.push(Stored {
                            hash,
                            size: metadata.len(),
                            // Without a time it counts as new, which spares it.
                            put: metadata.modified().unwrap_or_else(|_| SystemTime::now()),
                            path,
                        });
                    }
                    _ => inventory.strays.push(path),
                }
            }
        }
        Ok(inventory)
    }
}

/// How much a file or folder holds.
pub(crate) struct Usage {
    pub(crate) bytes: u64,
    /// When something in it changed last.
    pub(crate) changed: SystemTime,
}

pub(crate) fn usage(path: &Utf8Path) -> Result<Usage> {
    let mut total = Usage { bytes: 0, changed: SystemTime::UNIX_EPOCH };
    let mut pending = vec![path.to_owned()];
    while let Some(path) = pending.pop() {
        let Some(metadata) = if_there(fs::symlink_metadata(&path), &path)? else { continue };
        total.changed = metadata.modified().map_or(total.changed, |time| time.max(total.changed));
        if metadata.is_dir() {
            pending.extend(durable::entries(&path)?.into_iter().map(|(_, path, _)| path));
        } else {
            total.bytes += metadata.len();
        }
    }
    Ok(total)
}

/// `None` if the file has gone: other processes go on while this one counts.
fn if_there<T>(result: io::Result<T>, path: &Utf8Path) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::read("look at", path, error)),
    }
}
