//! How the index and its journal keep a value: itself, or the place where it is.

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::values::{Found, found};
use super::volumes::Place;
use crate::Hash;
use crate::change::{Bytes, Value};

/// A small value, or where a large one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Kept {
    Here { value: Bytes },
    There(Place),
}

impl Kept {
    /// Inserts values; a key that has one keeps it. Returns how many are new.
    pub(crate) fn insert(tx: &Connection, day: i64, values: &[Value]) -> rusqlite::Result<usize> {
        let mut here =
            tx.prepare_cached("INSERT OR IGNORE INTO memo (key, used, hash, value) VALUES (?1, ?2, ?3, ?4)")?;
        let mut there = tx.prepare_cached(
            "INSERT OR IGNORE INTO memo (key, used, hash, volume, start, length)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        values.iter().try_fold(0, |rows, Value { key, check, kept }| {
            let new = match kept {
                Self::Here { value } => here.execute((key, day, check, value.as_slice()))?,
                Self::There(Place { volume, start, length }) => {
                    there.execute((key, day, check, volume, *start as i64, *length as i64))?
                }
            };
            Ok(rows + new)
        })
    }

    /// Notes the new places of values whose hash is still the same.
    pub(crate) fn update(tx: &Connection, values: &[Value]) -> rusqlite::Result<usize> {
        let mut update = tx.prepare_cached(
            "UPDATE memo SET volume = ?3, start = ?4 WHERE key = ?1 AND hash = ?2 AND volume IS NOT NULL",
        )?;
        values.iter().try_fold(0, |rows, Value { key, check, kept }| match kept {
            Self::Here { .. } => Ok(rows),
            Self::There(place) => Ok(rows + update.execute((key, check, place.volume, place.start as i64))?),
        })
    }

    /// Reads a row of hash, value, volume, start, length, use and key; `None` if it makes no sense.
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<(Value, i64)>> {
        let Ok(key) = row.get::<_, Hash>(6) else { return Ok(None) };
        let (found, used) = found(&key, row)?;
        let (check, kept) = match found {
            Found::Here(check, value) => (check, Self::Here { value: value.into() }),
            Found::There(check, place) => (check, Self::There(place)),
            Found::Absent | Found::Damaged => return Ok(None),
        };
        Ok(used.map(|used| (Value { key, check, kept }, used)))
    }
}
