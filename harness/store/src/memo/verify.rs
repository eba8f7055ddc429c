//! Checking every value of the memo.

use std::fmt;

use camino::Utf8PathBuf;
use rayon::prelude::*;
use serde::Serialize;

use super::check::Check;
use super::values::{self, CHUNK, Found};
use super::volumes::{self, Place, Reader};
use crate::{Hash, Result, Store};

/// What is wrong with the memo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoReport {
    /// How many values were hashed.
    pub values: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The values that do not agree with their hashes, in the order of their keys.
    pub damaged: Vec<DamagedValue>,
    /// Rows whose key is not a hash. Their values cannot be looked up.
    pub bad_keys: u64,
    /// Files in the folder of the memo that do not belong to it.
    pub strays: Vec<Utf8PathBuf>,
}

impl MemoReport {
    /// Whether nothing is wrong. Strays do no harm.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.bad_keys == 0
    }
}

/// A value of the memo that does not agree with its hash. It is removed, and computed again, when it is asked
/// for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DamagedValue {
    /// Its key.
    pub key: Hash,
    /// The file that holds it.
    pub path: Utf8PathBuf,
}

impl fmt::Display for DamagedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of {} in {} is damaged", self.key, self.path)
    }
}

/// Rows after some key.
struct Rows {
    /// The keys and what the index holds for them; `None` for a key that is not a hash.
    rows: Vec<(Option<Hash>, Found)>,
    /// The last key.
    last: Option<Vec<u8>>,
}

impl Store {
    /// Hashes every value of the memo. Removes nothing.
    pub(crate) fn verify_memo(&self) -> Result<MemoReport> {
        let mut report =
            MemoReport { strays: volumes::list(&self.layout().memo())?.1, ..MemoReport::default() };
        let mut after = Vec::new();
        loop {
            let Rows { rows, last } = self.rows_after(&after)?;
            let Some(last) = last else { break };
            after = last;
            report.values += rows.len() as u64;
            let mut large = Vec::new();
            for (key, found) in rows {
                match (key, found) {
                    (None, _) => report.bad_keys += 1,
                    (Some(key), Found::Damaged) => self.report_if_still(&mut report, key, &Found::Damaged)?,
                    (Some(key), Found::There(hash, place)) => large.push((key, hash, place)),
                    (_, Found::Here(_, value)) => report.bytes += value.len() as u64,
                    (_, Found::Absent) => {}
                }
            }
            report.bytes += large.iter().map(|(.., place)| place.length).sum::<u64>();
            for (key, hash, place) in self.unreadable(&large)? {
                self.report_if_still(&mut report, key, &Found::There(hash, place))?;
            }
        }
        report.damaged.sort_by_key(|damaged| damaged.key);
        Ok(report)
    }

    /// The next rows in the order of the keys.
    fn rows_after(&self, after: &[u8]) -> Result<Rows> {
        self.index().read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT hash, value, volume, start, length, used, key FROM memo
                 WHERE key > ?1 ORDER BY key LIMIT ?2",
            )?;
            let mut found = select.query((after, CHUNK as i64))?;
            let mut rows = Rows { rows: Vec::new(), last: None };
            while let Some(row) = found.next()? {
                let bytes = row.get_ref(6)?.as_blob().unwrap_or_default();
                let key = <[u8; 32]>::try_from(bytes).ok().map(Hash::from_bytes);
                let what =
                    key.map_or(Ok(Found::Damaged), |key| values::found(&key, row).map(|(found, _)| found));
                rows.rows.push((key, what?));
                rows.last = Some(bytes.to_vec());
            }
            Ok(rows)
        })
    }

    /// Those of these large values that are damaged. Reads them on all threads.
    fn unreadable(&self, large: &[(Hash, Check, Place)]) -> Result<Vec<(Hash, Check, Place)>> {
        let dir = self.layout().memo();
        let read = large.par_chunks(16).map(|some| {
            let mut reader = Reader::new(&dir);
            let mut damaged = Vec::new();
            for (key, hash, place) in some {
                if reader.read(key, hash, place)?.is_none() {
                    damaged.push((*key, *hash, *place));
                }
            }
            Ok(damaged)
        });
        Ok(read.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Reports a row as damaged unless it has changed: then another process has removed, replaced or moved its
    /// value meanwhile.
    fn report_if_still(&self, report: &mut MemoReport, key: Hash, row: &Found) -> Result<()> {
        let (now, _) = self.index().read(|connection| values::find(connection, &key))?;
        if now == *row {
            let path = match row {
                Found::There(_, place) => volumes::path(&self.layout().memo(), &place.volume),
                _ => self.layout().index(),
            };
            report.damaged.push(DamagedValue { key, path });
        }
        Ok(())
    }
}
