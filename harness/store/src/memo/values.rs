//! Values of the memo in the index.

use rusqlite::{Connection, OptionalExtension};

use crate::index::Durability;
use crate::{Hash, Result, Store};

/// Keys looked up in one go, between which other threads get their turn at the index.
const CHUNK: usize = 1024;

/// What the memo holds for a key.
enum Found {
    Absent,
    Sound(Vec<u8>),
    Damaged,
}

/// The hash that is kept with a value: of its key and its bytes, so that a value at the wrong key is noticed.
/// 16 bytes are plenty against damage.
fn check(key: &Hash, value: &[u8]) -> [u8; 16] {
    let hash = blake3::Hasher::new_keyed(key.as_bytes()).update(value).finalize();
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

impl Store {
    /// The values of `keys`, in their order; `None` for a key without a value. Each value is verified by its
    /// hash. A damaged one counts as absent and is removed, so that it is computed again;
    /// [`Store::memo_damaged`] counts them.
    pub fn recall(&self, keys: &[Hash]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = Vec::with_capacity(keys.len());
        let mut damaged = Vec::new();
        for chunk in keys.chunks(CHUNK) {
            self.index().read(|connection| {
                // One read transaction per chunk, else every look-up opens and closes its own.
                let transaction = connection.unchecked_transaction()?;
                for key in chunk {
                    values.push(match find(&transaction, key)? {
                        Found::Absent => None,
                        Found::Sound(value) => Some(value),
                        Found::Damaged => {
                            damaged.push(*key);
                            None
                        }
                    });
                }
                Ok(())
            })?;
        }
        self.remove_values_if(&damaged, |found| matches!(found, Found::Damaged))?;
        Ok(values)
    }

    /// Stores values in one transaction: all of them or none. A key that has a value keeps it: a value never
    /// changes once it may have been used.
    pub fn remember(&self, entries: &[(Hash, Vec<u8>)]) -> Result<()> {
        // In key order, so that neighbours on a page of the B-tree are written together. The sort is stable:
        // of two values for one key the first counts.
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        self.index().write(Durability::Soon, |tx| {
            let mut insert =
                tx.prepare_cached("INSERT OR IGNORE INTO memo (key, hash, value) VALUES (?1, ?2, ?3)")?;
            for (key, value) in sorted {
                insert.execute((key, check(key, value), value))?;
            }
            Ok(())
        })
    }

    /// Removes values that cannot be used, and counts them as damaged.
    pub(super) fn remove_values(&self, keys: &[Hash]) -> Result<()> {
        self.remove_values_if(keys, |_| true)
    }

    fn remove_values_if(&self, keys: &[Hash], remove: impl Fn(&Found) -> bool) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.count_damaged(keys.len());
        if self.is_read_only() {
            return Ok(());
        }
        self.index().write(Durability::Soon, |tx| {
            for key in keys {
                // Another process may have replaced the value meanwhile.
                if remove(&find(tx, key)?) {
                    tx.prepare_cached("DELETE FROM memo WHERE key = ?1")?.execute([key])?;
                }
            }
            Ok(())
        })
    }
}

fn find(connection: &Connection, key: &Hash) -> rusqlite::Result<Found> {
    let found = connection
        .prepare_cached("SELECT hash, value FROM memo WHERE key = ?1")?
        .query_row([key], |row| {
            // A flipped bit can change the type of a column, too.
            let column = |index| row.get_ref(index).map(|value| value.as_blob().ok());
            Ok(match (column(0)?, column(1)?) {
                (Some(hash), Some(value)) if hash == check(key, value) => Found::Sound(value.to_vec()),
                _ => Found::Damaged,
            })
        })
        .optional()?;
    Ok(found.unwrap_or(Found::Absent))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use camino::Utf8Path;

    use super::*;
    use crate::StoreError;

    #[test]
    fn a_full_disk_stores_nothing_of_the_batch_and_keeps_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Utf8Path::from_path(dir.path()).unwrap().join("store")).unwrap();
        let item = |i: u64| (Hash::of(&i.to_le_bytes()), vec![i as u8; 1000]);
        store.remember(&[item(0)]).unwrap();
        store.index().limit_growth(4).unwrap();
        let many: Vec<_> = (1..100).map(item).collect();
        let error = store.remember(&many).unwrap_err();
        assert!(
            matches!(&error, StoreError::DiskFull { path } if path.ends_with("index.sqlite")),
            "{error:?}"
        );
        let keys: Vec<_> = (0..100).map(|i| item(i).0).collect();
        let values = store.recall(&keys).unwrap();
        assert_eq!(values.iter().flatten().count(), 1);
        // With space again, the same store goes on.
        store.index().limit_growth(1000).unwrap();
        store.remember(&many).unwrap();
        assert_eq!(store.recall(&keys).unwrap().iter().flatten().count(), 100);
    }
}
