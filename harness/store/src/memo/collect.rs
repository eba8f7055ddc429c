//! What the memo can spare: values that nobody has used for long, and the dead records of its volumes.

use std::time::Duration;

use serde::Serialize;

use super::kept::Kept;
use super::values::{self, Found, today};
use super::volumes::{self, Place, Reader, Volume, Writer};
use crate::change::{Change, Value};
use crate::index::Durability;
use crate::{Hash, Result, RunId, Store, StoreError, durable};

/// Values of the memo that can be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoGarbage {
    /// How many.
    pub values: u64,
    /// The space that goes with them and with dead records, in bytes of the files for large values. The index
    /// keeps its size: the space of small values in it is used again.
    pub bytes: u64,
    /// The last day of use of the values, at the latest, in days since 1970-01-01 UTC.
    pub last_used: i64,
}

impl MemoGarbage {
    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.values == 0 && self.bytes == 0
    }
}

/// What garbage collection does with a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It stays as it is.
    Stays,
    /// It is removed: no row points to it.
    Goes,
    /// Its live records move to a new one, as more than half of it is dead.
    Shrinks,
}

impl Fate {
    fn of(volume: &Volume, live: u64) -> Self {
        match live {
            0 => Self::Goes,
            _ if live < volume.size / 2 => Self::Shrinks,
            _ => Self::Stays,
        }
    }

    fn freed(self, volume: &Volume, live: u64) -> u64 {
        if self == Self::Stays { 0 } else { volume.size.saturating_sub(live) }
    }
}

impl Store {
    /// The size of all volumes in bytes.
    pub(crate) fn memo_file_bytes(&self) -> Result<u64> {
        let (volumes, _) = volumes::list(&self.layout().memo())?;
        Ok(volumes.iter().map(|volume| volume.size).sum())
    }

    /// What can be deleted of the memo if values used within `idle` are kept.
    pub(crate) fn memo_garbage(&self, idle: Duration) -> Result<MemoGarbage> {
        let days = i64::try_from(idle.as_secs() / (24 * 60 * 60)).unwrap_or(i64::MAX);
        let last_used = today().saturating_sub(days);
        let values = self.index().read(|connection| {
            connection.query_row("SELECT count(*) FROM memo WHERE used <= ?1", [last_used], |row| {
                row.get::<_, i64>(0).map(i64::unsigned_abs)
            })
        })?;
        let mut bytes = 0;
        for volume in volumes::list(&self.layout().memo())?.0 {
            let live = self.live_bytes(&volume.id, last_used)?;
            bytes += Fate::of(&volume, live).freed(&volume, live);
        }
        Ok(MemoGarbage { values, bytes, last_used })
    }

    /// Deletes the values that were last used on that day or before, and the space that they leave. Nobody may
    /// be storing large values meanwhile. Returns how many values and how many bytes of files were deleted.
    pub(crate) fn collect_memo(&self, garbage: &MemoGarbage) -> Result<(u64, u64)> {
        let expired = Change::Expired { day: garbage.last_used };
        let values = self.index().write(Durability::Now, |writer| writer.apply(&expired))?;
        let mut shrinking = Vec::new();
        let mut bytes = 0;
        for volume in volumes::list(&self.layout().memo())?.0 {
            let live = self.live_bytes(&volume.id, i64::MIN)?;
            let fate = Fate::of(&volume, live);
            match fate {
                Fate::Stays => {}
                Fate::Goes => {
                    durable::remove_file(&volume.path)?;
                    bytes += fate.freed(&volume, live);
                }
                Fate::Shrinks => shrinking.push((fate.freed(&volume, live), volume)),
            }
        }
        // Last, as it needs room before it makes room.
        for (freed, volume) in shrinking {
            match self.move_records(&volume) {
                Ok(()) => bytes += freed,
                Err(StoreError::DiskFull { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok((values as u64, bytes))
    }

    /// The space of the records in a volume whose values were used after that day.
    fn live_bytes(&self, volume: &RunId, last_used: i64) -> Result<u64> {
        self.index().read(|connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce(sum(length + ?3), 0) FROM memo WHERE volume = ?1 AND used > ?2",
                )?
                .query_row((volume, last_used, Place::space(0) as i64), |row| {
                    row.get::<_, i64>(0).map(i64::unsigned_abs)
                })
        })
    }

    /// Moves the live records of a volume to a new one, and removes it. Damaged ones are removed from the
    /// memo. A kill in between leaves a volume without live records, old or new.
    fn move_records(&self, old: &Volume) -> Result<()> {
        let dir = self.layout().memo();
        let mut reader = Reader::new(&dir);
        let mut writer = Writer::create(&dir)?;
        let (mut moved, mut damaged) = (Vec::new(), Vec::new());
        for key in self.keys_in(&old.id)? {
            let (found, _) = self.index().read(|connection| values::find(connection, &key))?;
            let (hash, place) = match found {
                Found::There(hash, place) if place.volume == old.id => (hash, place),
                Found::Damaged => {
                    damaged.push(key);
                    continue;
                }
                // It was removed or replaced meanwhile.
                _ => continue,
            };
            match reader.read(&key, &hash, &place)? {
                Some(value) => {
                    let place = writer.append(&key, &hash, &value)?;
                    moved.push(Value { key, check: hash, kept: Kept::There(place) });
                }
                None => damaged.push(key),
            }
        }
        writer.sync()?;
        let damaged_values = damaged.len();
        self.index().write(Durability::Now, |index| {
            index.apply(&Change::Moved { values: moved })?;
            index.apply(&Change::Forgotten { keys: damaged })
        })?;
        writer.keep();
        self.count_damaged(damaged_values);
        durable::remove_file(&old.path)
    }

    /// The keys whose values are in a volume, in the order of the records.
    fn keys_in(&self, volume: &RunId) -> Result<Vec<Hash>> {
        self.index().read(|connection| {
            connection
                .prepare_cached("SELECT key FROM memo WHERE volume = ?1 ORDER BY start")?
                .query_map([volume], |row| Ok(row.get(0).ok()))?
                // What is no hash is nobody's key.
                .filter_map(rusqlite::Result::transpose)
                .collect()
        })
    }
}
