//! Checking index and journal against each other.

use rusqlite::Connection;

use crate::journal::{Journal, Position};
use crate::{Result, StoreError};

/// The contents of the index, in an order that does not depend on how they got there.
const CONTENTS: [(&str, &str); 6] = [
    ("actions", "SELECT key, step, output, description, run FROM actions ORDER BY used"),
    ("run_actions", "SELECT run, key FROM run_actions ORDER BY run, key"),
    ("memo", "SELECT key, used, hash, value, volume, start, length FROM memo ORDER BY key"),
    ("runs", "SELECT id, title, status, started, ended FROM runs ORDER BY number"),
    ("events", "SELECT run, seq, json FROM events ORDER BY run, seq"),
    ("pins", "SELECT run, object FROM pins ORDER BY run, object"),
];

/// What is wrong with the index or with the journal; at most one of the lists has entries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) index: Vec<String>,
    pub(crate) journal: Vec<String>,
}

/// Looks at an index within a transaction: in its structure, as SQLite finds, or in its rows, which are compared with what
/// the journal makes of an empty index.
pub(crate) fn faults(index: &Connection, journal: &Journal) -> Result<Faults> {
    match find(index, journal) {
        Err(StoreError::IndexDamaged { source, .. }) => {
            Ok(Faults { index: vec![source.to_string()], ..Faults::default() })
        }
        faults => faults,
    }
}

fn find(index: &Connection, journal: &Journal) -> Result<Faults> {
    let failed = |error| StoreError::index(journal.index(), error);
    let mut faults = Faults { index: structure(index).map_err(failed)?, ..Faults::default() };
    if !faults.index.is_empty() {
        return Ok(faults);
    }
    // Without a position nothing was changed yet, or the next change makes the index anew from the journal.
    let Some(position) = Position::read(index).map_err(failed)? else { return Ok(faults) };
    // A kill between the two leaves a journal that was written anew, and an index that does not know of it yet. Both are
    // sound, and the next change brings them together.
    let (name, model, replayed) = journal.contents(position)?;
    let known = name == Some(position.journal);
    if replayed.damaged > 0 {
        faults.journal.push(format!("{} of its lines are damaged", replayed.damaged));
    } else if known && replayed.end < position.length {
        faults.journal.push(format!("it lacks {} bytes", position.length - replayed.end));
    } else {
        let differences = differences(index, &model).map_err(failed)?;
        match known {
            true => faults.index = differences,
            false if differences.is_empty() => {}
            false => faults.journal.push("it is not there, or not that of the index".to_owned()),
        }
    }
    Ok(faults)
}

/// The tables in which an index is not what the journal says, in words.
fn differences(index: &Connection, model: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut differences = Vec::new();
    for (table, query) in CONTENTS {
        if let Some(row) = first_difference(index, model, query)? {
            differences.push(format!("table `{table}` is not what the journal says, from row {row} on"));
        }
    }
    Ok(differences)
}

/// What SQLite finds.
fn structure(index: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut lines: Vec<String> = index
        .prepare("PRAGMA integrity_check")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    lines.retain(|line| line != "ok");
    Ok(lines)
}

/// The first row, counted from 1, in which two indexes differ.
fn first_difference(one: &Connection, other: &Connection, query: &str) -> rusqlite::Result<Option<u64>> {
    let (mut one, mut other) = (one.prepare(query)?, other.prepare(query)?);
    let columns = one.column_count();
    let (mut one, mut other) = (one.query([])?, other.query([])?);
    for row in 1.. {
        match (one.next()?, other.next()?) {
            (None, None) => break,
            (Some(one), Some(other)) => {
                for column in 0..columns {
                    if one.get_ref(column)? != other.get_ref(column)? {
                        return Ok(Some(row));
                    }
                }
            }
            _ => return Ok(Some(row)),
        }
    }
    Ok(None)
}
