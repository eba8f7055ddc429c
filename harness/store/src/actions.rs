//! Actions: which output a step gave for which key.

use rusqlite::{OptionalExtension, Row};

use crate::change::Change;
use crate::index::Durability;
use crate::{Hash, Result, RunId, Store, StoreError};

/// A finished step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What the output depends on, hashed.
    pub key: Hash,
    /// The step's name, for example `estimators/final-acc[seed=1]`.
    pub step: String,
    /// The object that it made: a file or a tree.
    pub output: Hash,
    /// What the key was made of, in a form that only the caller reads; to explain later reruns.
    pub description: Vec<u8>,
    /// The run in which the step ran.
    pub run: RunId,
}

impl Store {
    /// The action of a key, if its output is there in full. An output that has been forgotten, or whose tree
    /// lacks a file, counts as no action, so that the step is repeated.
    ///
    /// File contents are not verified here but when they are read.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the output is a tree whose manifest is damaged.
    pub fn action(&self, key: &Hash) -> Result<Option<Action>> {
        let found: Option<Action> = self.index().read(|connection| {
            connection
                .prepare_cached("SELECT key, step, output, description, run FROM actions WHERE key = ?1")?
                .query_row([key], Action::from_row)
                .optional()
        })?;
        match found {
            Some(action) if self.is_complete(&action.output)? => Ok(Some(action)),
            _ => Ok(None),
        }
    }

    /// The output of a key's action, as [`Store::action`] finds it, without what is recorded beside it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the output is a tree whose manifest is damaged.
    pub fn output(&self, key: &Hash) -> Result<Option<Hash>> {
        let found: Option<Hash> = self.index().read(|connection| {
            connection
                .prepare_cached("SELECT output FROM actions WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })?;
        match found {
            Some(output) if self.is_complete(&output)? => Ok(Some(output)),
            _ => Ok(None),
        }
    }

    /// The action of a step that was recorded or used last, whether or not its output is still there.
    pub fn latest_action(&self, step: &str) -> Result<Option<Action>> {
        self.index().read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, step, output, description, run FROM actions
                     WHERE step = ?1 ORDER BY used DESC LIMIT 1",
                )?
                .query_row([step], Action::from_row)
                .optional()
        })
    }

    /// Records a finished step; it is on the disk when this returns. An action of the same key is replaced.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the output is not in the store.
    pub fn record_action(&self, action: &Action) -> Result<()> {
        if !self.is_complete(&action.output)? {
            return Err(StoreError::Missing { hash: action.output, member: None });
        }
        self.index().write(Durability::Now, |writer| {
            writer.apply(&Change::from(action))?;
            writer.apply(&Change::Noted { run: action.run, keys: vec![action.key] })?;
            Ok(())
        })
    }

    /// Notes that a run used these actions without repeating them: they become the latest of their steps, and
    /// garbage collection keeps what the last run of a title used. Unknown keys are ignored.
    pub fn touch_actions(&self, run: &RunId, keys: &[Hash]) -> Result<()> {
        self.index().change(Durability::Soon, &Change::Used { run: *run, keys: keys.to_vec() })
    }
}

impl Action {
    /// Reads a row of key, step, output, description and run.
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            step: row.get(1)?,
            output: row.get(2)?,
            description: row.get(3)?,
            run: row.get(4)?,
        })
    }
}
