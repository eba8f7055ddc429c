//! Looking values up and storing them. Small ones are in the index, large ones in [volumes](super::volumes).

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::check::Check;
use super::kept::Kept;
use super::volumes::{Place, Reader, Writer};
use crate::change::{Change, Value};
use crate::index::Durability;
use crate::lock::Locked;
use crate::{Hash, Result, Store, StoreError};

/// Keys looked up in one go, between which other threads get their turn at the index.
pub(super) const CHUNK: usize = 1024;

/// Values of more bytes than this are kept outside the index.
const SMALL: usize = 4096;

/// A use of a value is noted if the last noted one is more than this many days ago, so that lookups rarely
/// write.
const NOTED: i64 = 7;

/// Today, in days since 1970-01-01 UTC.
pub(super) fn today() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs() / (24 * 60 * 60)).unwrap_or(i64::MAX)
}

/// What the index holds for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Absent,
    /// A small value that agrees with its hash.
    Here(Check, Vec<u8>),
    /// A large value, not read yet.
    There(Check, Place),
    /// A row that makes no sense, or a small value that does not agree with its hash.
    Damaged,
}

/// Reads a row of hash, value, volume, start, length and use, and says when it was used last.
///
/// A flipped bit can change the type of a column too, so none is taken for granted.
pub(super) fn found(key: &Hash, row: &Row<'_>) -> rusqlite::Result<(Found, Option<i64>)> {
    let blob = |column| row.get_ref(column).map(|value| value.as_blob().ok());
    let size = |column| row.get::<_, i64>(column).ok().and_then(|size| u64::try_from(size).ok());
    let hash = blob(0)?.and_then(Check::from_slice);
    let found = match (hash, blob(1)?) {
        (Some(hash), Some(value)) if hash == Check::of(key, value) => Found::Here(hash, value.to_vec()),
        (Some(hash), None) => match (row.get(2), size(3), size(4)) {
            (Ok(volume), Some(start), Some(length)) => Found::There(hash, Place { volume, start, length }),
            _ => Found::Damaged,
        },
        _ => Found::Damaged,
    };
    Ok((found, row.get(5).ok()))
}

/// Looks a key up.
pub(super) fn find(connection: &Connection, key: &Hash) -> rusqlite::Result<(Found, Option<i64>)> {
    find_with(&mut finder(connection)?, key)
}

/// The statement for [`find_with`], for many keys.
fn finder(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached("SELECT hash, value, volume, start, length, used FROM memo WHERE key = ?1")
}

fn find_with(finder: &mut CachedStatement<'_>, key: &Hash) -> rusqlite::Result<(Found, Option<i64>)> {
    let row = finder.query_row([key], |row| found(key, row)).optional()?;
    Ok(row.unwrap_or((Found::Absent, None)))
}

impl Store {
    /// The values of `keys`, in their order; `None` for a key without a value. Each value is verified by its
    /// hash. A damaged one counts as absent and is removed, so that it is computed again;
    /// [`Store::memo_damaged`] counts them.
    pub fn recall(&self, keys: &[Hash]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values: Vec<Option<Vec<u8>>> = keys.iter().map(|_| None).collect();
        let mut idle = Vec::new();
        // In key order, which goes over each page of the B-tree once.
        let mut wanted: Vec<usize> = (0..keys.len()).collect();
        wanted.sort_unstable_by_key(|&index| keys[index]);
        while !wanted.is_empty() {
            let mut suspects = Vec::new();
            for chunk in wanted.chunks(CHUNK) {
                let rows = self.find_all(keys, chunk, &mut idle)?;
                let dir = self.layout().memo();
                let mut reader = Reader::new(&dir);
                for (&index, row) in chunk.iter().zip(rows) {
                    match row {
                        Found::Absent => {}
                        Found::Here(_, value) => values[index] = Some(value),
                        Found::There(hash, place) => {
                            values[index] = reader.read(&keys[index], &hash, &place)?;
                            if values[index].is_none() {
                                suspects.push((index, row));
                            }
                        }
                        Found::Damaged => suspects.push((index, row)),
                    }
                }
            }
            wanted = self.remove_damaged(keys, &suspects)?;
        }
        self.note_use(&idle);
        Ok(values)
    }

    /// What the index holds for the keys at `indices`; adds to `idle` those whose last use was noted long ago.
    fn find_all(&self, keys: &[Hash], indices: &[usize], idle: &mut Vec<Hash>) -> Result<Vec<Found>> {
        let today = today();
        self.index().read(|connection| {
            // One read transaction per chunk, else every look-up opens and closes its own.
            let transaction = connection.unchecked_transaction()?;
            let mut finder = finder(&transaction)?;
            let look_up = |&index: &usize| {
                let (found, used) = find_with(&mut finder, &keys[index])?;
                if used.is_some_and(|used| !(today - NOTED..=today).contains(&used)) {
                    idle.push(keys[index]);
                }
                Ok(found)
            };
            indices.iter().map(look_up).collect()
        })
    }

    /// Removes the values of these rows, which turned out to be damaged, and counts them. Returns the indices of
    /// those whose row has changed meanwhile: they are to be looked up again.
    fn remove_damaged(&self, keys: &[Hash], suspects: &[(usize, Found)]) -> Result<Vec<usize>> {
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let split = |connection: &Connection| {
            let mut changed = Vec::new();
            // A key can be asked for twice.
            let mut damaged = BTreeSet::new();
            for (index, row) in suspects {
                if find(connection, &keys[*index])?.0 == *row {
                    damaged.insert(keys[*index]);
                } else {
                    changed.push(*index);
                }
            }
            Ok((damaged, changed))
        };
        let (damaged, changed) = if self.is_read_only() {
            self.index().read(split)?
        } else {
            self.index().write(Durability::Soon, |writer| {
                let (damaged, changed) = split(writer.tx())?;
                writer.apply(&Change::Forgotten { keys: damaged.iter().copied().collect() })?;
                Ok((damaged, changed))
            })?
        };
        self.count_damaged(damaged.len());
        Ok(changed)
    }

    /// Removes values that are of no use, and counts them as damaged.
    pub(super) fn remove_values(&self, keys: &[Hash]) -> Result<()> {
        self.count_damaged(keys.len());
        if keys.is_empty() || self.is_read_only() {
            return Ok(());
        }
        self.index().change(Durability::Soon, &Change::Forgotten { keys: keys.to_vec() })
    }

    fn note_use(&self, keys: &[Hash]) {
        if keys.is_empty() || self.is_read_only() {
            return;
        }
        // A note that fails, on a full disk say, does no harm: at worst the values are computed again.
        let _ =
            self.index().change(Durability::Soon, &Change::Recalled { day: today(), keys: keys.to_vec() });
    }

    /// Stores values in one transaction: all of them or none. A key that has a value keeps it: a value never
    /// changes once it may have been used.
    ///
    /// A kill afterwards loses nothing; a power cut loses at most what was stored in the last moments.
    pub fn remember(&self, entries: &[(Hash, Vec<u8>)]) -> Result<()> {
        // In key order, so that neighbours on a page of the B-tree are written together. The sort is stable:
        // of two values for one key the first counts.
        let mut sorted: Vec<_> = entries.iter().map(|(key, value)| (key, value)).collect();
        sorted.sort_by_key(|(key, ..)| *key);
        sorted.dedup_by_key(|(key, ..)| *key);
        if sorted.is_empty() {
            return Ok(());
        }
        self.require_writable()?;
        // What is known is not written again.
        let known = self.known(sorted.iter().map(|(key, _)| **key))?;
        sorted.retain(|(key, _)| !known.contains(*key));
        let (small, large): (Vec<_>, Vec<_>) =
            sorted.into_iter().partition(|(_, value)| value.len() <= SMALL);
        let mut values: Vec<Value> = small
            .into_iter()
            .map(|(key, value)| Value {
                key: *key,
                check: Check::of(key, value),
                kept: Kept::Here { value: value.clone().into() },
            })
            .collect();

        let mut volume = None;
        if !large.is_empty() {
            let path = self.layout().active_lock();
            let present = Locked::shared(&path).map_err(|error| StoreError::write("lock", &path, error))?;
            let mut writer = Writer::open(&self.layout().memo())?;
            for (key, value) in large {
                let check = Check::of(key, value);
                let place = writer.append(key, &check, value)?;
                values.push(Value { key: *key, check, kept: Kept::There(place) });
            }
            writer.sync()?;
            volume = Some((writer, present));
        }
        if !values.is_empty() {
            self.index().change(Durability::Soon, &Change::Remembered { day: today(), values })?;
        }
        if let Some((writer, _present)) = volume {
            writer.keep();
        }
        Ok(())
    }

    /// Those of `keys` that have a value.
    fn known(&self, keys: impl Iterator<Item = Hash>) -> Result<BTreeSet<Hash>> {
        self.index().read(|connection| {
            let mut select = connection.prepare_cached("SELECT 1 FROM memo WHERE key = ?1")?;
            let mut known = BTreeSet::new();
            for key in keys {
                if select.exists([key])? {
                    known.insert(key);
                }
            }
            Ok(known)
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use camino::Utf8Path;

    use super::*;

    /// The full disk is met by the index, after large values of the same batch have been appended.
    #[test]
    fn a_full_disk_stores_nothing_of_the_batch_and_keeps_what_was_there() {
        for large in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::open(&Utf8Path::from_path(dir.path()).unwrap().join("store")).unwrap();
            let item = |i: u64| {
                let length = if large && i.is_multiple_of(10) { 10_000 } else { 1000 };
                (Hash::of(&i.to_le_bytes()), vec![i as u8; length])
            };
            store.remember(&[item(0)]).unwrap();
            store.index().limit_growth(4).unwrap();
            let before = store.stats().unwrap();
            let many: Vec<_> = (1..100).map(item).collect();
            let error = store.remember(&many).unwrap_err();
            assert!(
                matches!(&error, StoreError::DiskFull { path } if path.ends_with("index.sqlite")),
                "{error:?}"
            );
            assert_eq!(store.stats().unwrap(), before, "nothing stays of the batch");
            let keys: Vec<_> = (0..100).map(|i| item(i).0).collect();
            let values = store.recall(&keys).unwrap();
            assert_eq!(values.iter().flatten().count(), 1);
            // With space again, the same store goes on.
            store.index().limit_growth(1000).unwrap();
            store.remember(&many).unwrap();
            let values = store.recall(&keys).unwrap();
            assert!(values.into_iter().zip(0..).all(|(value, i)| value == Some(item(i).1)));
        }
    }

    #[test]
    fn a_use_is_noted_when_the_last_note_is_a_week_old() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Utf8Path::from_path(dir.path()).unwrap().join("store")).unwrap();
        let key = Hash::of(b"k");
        store.remember(&[(key, b"value".to_vec())]).unwrap();
        for (noted, expect) in [(0, 0), (7, 7), (8, 0), (400, 0), (-1, 0)] {
            store
                .index()
                .change(Durability::Now, &Change::Recalled { day: today() - noted, keys: vec![key] })
                .unwrap();
            assert!(store.recall(&[key]).unwrap()[0].is_some());
            let (_, used) = store.index().read(|connection| find(connection, &key)).unwrap();
            assert_eq!(used, Some(today() - expect), "noted {noted} days ago");
        }
    }
}
