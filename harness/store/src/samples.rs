//! The sample cache: small values by key, such as generations and verdicts.

use rusqlite::OptionalExtension;

use crate::index::Durability;
use crate::{Hash, Result, Store};

/// Keys looked up in one go, between which other threads get their turn at the index.
const CHUNK: usize = 1024;

impl Store {
    /// The values of `keys`, in their order; `None` for a key without a value.
    pub fn samples(&self, keys: &[Hash]) -> Result<Vec<Option<Vec<u8>>>> {
        let mut values = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            self.index().read(|connection| {
                // One read transaction per chunk, else every look-up opens and closes its own.
                let transaction = connection.unchecked_transaction()?;
                let mut select = transaction.prepare_cached("SELECT value FROM samples WHERE key = ?1")?;
                for key in chunk {
                    values.push(select.query_row([key], |row| row.get(0)).optional()?);
                }
                Ok(())
            })?;
        }
        Ok(values)
    }

    /// Stores values in one transaction: all of them or none. A key that has a value keeps it: a sample never
    /// changes once it may have been counted.
    pub fn put_samples(&self, items: &[(Hash, Vec<u8>)]) -> Result<()> {
        // In key order, so that neighbours on a page of the B-tree are written together. The sort is stable:
        // of two values for one key the first counts.
        let mut sorted: Vec<_> = items.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        self.index().write(Durability::Soon, |tx| {
            let mut insert =
                tx.prepare_cached("INSERT OR IGNORE INTO samples (key, value) VALUES (?1, ?2)")?;
            for (key, value) in sorted {
                insert.execute((key, value))?;
            }
            Ok(())
        })
    }
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
        store.put_samples(&[item(0)]).unwrap();
        store.index().limit_growth(4).unwrap();
        let many: Vec<_> = (1..100).map(item).collect();
        let error = store.put_samples(&many).unwrap_err();
        assert!(
            matches!(&error, StoreError::DiskFull { path } if path.ends_with("index.sqlite")),
            "{error:?}"
        );
        let keys: Vec<_> = (0..100).map(|i| item(i).0).collect();
        let values = store.samples(&keys).unwrap();
        assert_eq!(values.iter().flatten().count(), 1);
        // With space again, the same store goes on.
        store.index().limit_growth(1000).unwrap();
        store.put_samples(&many).unwrap();
        assert_eq!(store.samples(&keys).unwrap().iter().flatten().count(), 100);
    }
}
