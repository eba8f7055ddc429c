//! Garbage collection: what nothing needs any more, and its removal.
//!
//! Kept are
//!
//! - the objects that a recorded report needs ([`Store::pin`]);
//! - the outputs of the *current* actions: the latest of each step name, and those that the last run or the
//!   last succeeded run of each title recorded or used, so that one scale's results survive work on another;
//! - objects put within a grace period, one hour unless told otherwise: somebody may be about to refer to
//!   them;
//! - the files of every tree that is kept;
//! - the checkpoints of unfinished actions, until nothing in them has changed for 30 days;
//! - the values of the memo that were used within the last 90 days. A use is noted once a week, so a value
//!   that is in use is never near that limit.
//!
//! The rest can go: other objects, the actions whose output goes or is gone, checkpoints of finished actions,
//! objects that were set aside as corrupt, values of the memo that nobody has used for so long.
//!
//! A plan deletes nothing. Applying it takes the store's `active.lock` alone, so that no run is active, makes a
//! second plan and deletes what is in both: what the user saw and what is still garbage.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::index::Durability;
use crate::inventory::usage;
use crate::lock::{HeldLock, Locked, Wait};
use crate::memo::MemoGarbage;
use crate::{Hash, Result, Store, StoreError, durable};

/// How long an object is spared after it was put.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// How long the checkpoint of an unfinished action is kept without a change.
const CHECKPOINT_IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long a value of the memo is kept without a use.
const MEMO_IDLE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How long garbage collection spares what it could delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GcRules {
    /// Objects are spared for so long after they were put; an hour by default.
    pub grace: Duration,
    /// Values of the memo are spared for so long after their last use, in whole days; 90 days by default.
    /// With less than 8 days, values that are in use may go, as a use is noted once a week. Zero: all go.
    pub memo_idle: Duration,
}

impl Default for GcRules {
    fn default() -> Self {
        Self { grace: GRACE, memo_idle: MEMO_IDLE }
    }
}

/// Something that can be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// An object's hash, or a checkpoint's key.
    pub hash: Hash,
    /// The space that it takes, in bytes.
    pub bytes: u64,
}

/// What garbage collection would delete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GcPlan {
    /// Objects, in the order of their hashes.
    pub objects: Vec<Garbage>,
    /// Keys of actions whose output goes, or is gone.
    pub actions: Vec<Hash>,
    /// Checkpoints of finished or abandoned actions.
    pub checkpoints: Vec<Garbage>,
    /// Files in `corrupt/` with their sizes in bytes.
    pub set_aside: Vec<(Utf8PathBuf, u64)>,
    /// Objects that nothing needs but that are spared because they are new.
    pub spared_as_new: u64,
    /// Their bytes.
    pub spared_as_new_bytes: u64,
    /// Values of the memo that were not used for long.
    pub memo: MemoGarbage,
    /// The rules that this plan was made with.
    pub rules: GcRules,
}

impl GcPlan {
    /// The space that the plan would free, in bytes.
    pub fn bytes(&self) -> u64 {
        let garbage = self.objects.iter().chain(&self.checkpoints).map(|garbage| garbage.bytes);
        garbage.chain(self.set_aside.iter().map(|(_, bytes)| *bytes)).sum::<u64>() + self.memo.bytes
    }

    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
            && self.actions.is_empty()
            && self.checkpoints.is_empty()
            && self.set_aside.is_empty()
            && self.memo.is_empty()
    }
}

/// What garbage collection deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GcOutcome {
    /// How many objects.
    pub objects: u64,
    /// How many actions.
    pub actions: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// How many objects that had been set aside.
    pub set_aside: u64,
    /// How many values of the memo.
    pub memo_values: u64,
    /// The space freed, in bytes.
    pub bytes: u64,
    /// Objects of the plan that stayed because something refers to them now, or because they were put again.
    pub spared: Vec<Hash>,
}

impl Store {
    /// What garbage collection would delete now. Deletes nothing.
    pub fn gc_plan(&self) -> Result<GcPlan> {
        self.gc_plan_with(GcRules::default())
    }

    /// As [`Store::gc_plan`], by other rules.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a tree that must be kept is damaged: what it lists is then unknown.
    pub fn gc_plan_with(&self, rules: GcRules) -> Result<GcPlan> {
        let index = self.index_contents()?;
        let objects = self.inventory()?.objects;
        let stored: BTreeSet<Hash> = objects.iter().map(|object| object.hash).collect();

        let current = index.actions.values().filter(|action| action.current).map(|action| action.output);
        let needed = self.with_members(index.pins.iter().copied().chain(current))?;

        let now = SystemTime::now();
        // A time in the future counts as new.
        let new = objects.iter().filter(|object| {
            now.duration_since(object.put).is_ok_and(|age| age < rules.grace) || object.put > now
        });
        let kept_as_new = self.with_members(new.map(|object| object.hash))?;

        let mut plan = GcPlan { rules, memo: self.memo_garbage(rules.memo_idle)?, ..GcPlan::default() };
        for object in objects.iter().filter(|object| !needed.contains(&object.hash)) {
            if kept_as_new.contains(&object.hash) {
                plan.spared_as_new += 1;
                plan.spared_as_new_bytes += object.size;
            } else {
                plan.objects.push(Garbage { hash: object.hash, bytes: object.size });
            }
        }
        let goes_or_is_gone =
            |output| !stored.contains(output) || !needed.contains(output) && !kept_as_new.contains(output);
        plan.actions = index
            .actions
            .iter()
            .filter(|(_, action)| !action.current && goes_or_is_gone(&action.output))
            .map(|(key, _)| *key)
            .collect();
        for (name, path, _) in durable::entries(&self.layout().checkpoints())? {
            let Ok(key) = name.parse::<Hash>() else { continue };
            let usage = usage(&path)?;
            let idle = now.duration_since(usage.changed).is_ok_and(|idle| idle > CHECKPOINT_IDLE);
            if idle || self.action(&key)?.is_some() {
                plan.checkpoints.push(Garbage { hash: key, bytes: usage.bytes });
            }
        }
        for (_, path, _) in durable::entries(&self.layout().corrupt())? {
            let bytes = usage(&path)?.bytes;
            plan.set_aside.push((path, bytes));
        }
        Ok(plan)
    }

    /// Deletes what the plan lists, except what is no longer garbage.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while a run is active, in any process.
    pub fn gc_apply(&self, plan: &GcPlan) -> Result<GcOutcome> {
        self.require_writable()?;
        let _alone = self.lock_out_runs()?;
        let now = self.gc_plan_with(plan.rules)?;

        let mut outcome = GcOutcome::default();
        let actions: Vec<Hash> = both(&plan.actions, &now.actions, |key| *key);
        let objects: Vec<Garbage> = both(&plan.objects, &now.objects, |garbage| garbage.hash);
        let going: BTreeSet<Hash> = objects.iter().map(|garbage| garbage.hash).collect();
        outcome.spared =
            plan.objects.iter().map(|garbage| garbage.hash).filter(|hash| !going.contains(hash)).collect();

        // Actions first: a kill in between leaves objects that nobody refers to, not references to nothing.
        self.index().write(Durability::Now, |tx| {
            for key in &actions {
                tx.prepare_cached("DELETE FROM actions WHERE key = ?1")?.execute([key])?;
                tx.prepare_cached("DELETE FROM run_actions WHERE key = ?1")?.execute([key])?;
            }
            Ok(())
        })?;
        outcome.actions = actions.len() as u64;
        for Garbage { hash, bytes } in objects {
            durable::remove_file(&self.layout().object(&hash))?;
            self.verified().remove(&hash);
            outcome.objects += 1;
            outcome.bytes += bytes;
        }
        for Garbage { hash, bytes } in both(&plan.checkpoints, &now.checkpoints, |garbage| garbage.hash) {
            self.clear_checkpoint(&hash)?;
            outcome.checkpoints += 1;
            outcome.bytes += bytes;
        }
        for (path, bytes) in both(&plan.set_aside, &now.set_aside, |(path, _)| path.clone()) {
            durable::remove_file(&path)?;
            outcome.set_aside += 1;
            outcome.bytes += bytes;
        }
        let (values, bytes) = self.collect_memo(&plan.memo)?;
        outcome.memo_values = values;
        outcome.bytes += bytes;
        self.remove_free_locks()?;
        Ok(outcome)
    }

    /// Makes sure that no run is active until the result is dropped.
    fn lock_out_runs(&self) -> Result<Locked> {
        let path = self.layout().active_lock();
        Locked::exclusive(&path, Wait::No)
            .map_err(|error| StoreError::write("lock", &path, error))?
            .ok_or_else(|| StoreError::Busy { root: self.root().to_owned(), what: "a run is active" })
    }

    /// Removes the lock files of processes that have ended.
    fn remove_free_locks(&self) -> Result<()> {
        for folder in [self.layout().leases(), self.layout().runs()] {
            for (_, path, _) in durable::entries(&folder)? {
                let free =
                    HeldLock::take_over(&path).map_err(|error| StoreError::write("lock", &path, error))?;
                drop(free);
            }
        }
        Ok(())
    }

    /// The objects and, for trees among them, the files in them. What is not there is left out.
    fn with_members(&self, roots: impl Iterator<Item = Hash>) -> Result<BTreeSet<Hash>> {
        let mut all = BTreeSet::new();
        for root in roots {
            if !all.insert(root) {
                continue;
            }
            match self.tree_if_any(&root) {
                Ok(Some(tree)) => all.extend(tree.iter().map(|(_, entry)| entry.hash)),
                Ok(None) | Err(StoreError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    fn index_contents(&self) -> Result<IndexContents> {
        self.index().read(|connection| {
            // One transaction, so that actions and pins belong to the same instant.
            let tx = connection.unchecked_transaction()?;
            let actions = tx
                .prepare_cached(
                    "WITH last_runs AS (
                         SELECT max(number) AS number FROM runs GROUP BY title
                         UNION SELECT max(number) FROM runs WHERE status = 'succeeded' GROUP BY title
                     )
                     SELECT key, output,
                            used = (SELECT max(used) FROM actions AS same WHERE same.step = actions.step)
                            OR key IN (SELECT run_actions.key FROM run_actions JOIN runs ON runs.id = run_actions.run
                                       WHERE runs.number IN last_runs)
                     FROM actions",
                )?
                .query_map([], |row| Ok((row.get(0)?, Entry { output: row.get(1)?, current: row.get(2)? })))?
                .collect::<rusqlite::Result<_>>()?;
            let pins = tx
                .prepare_cached("SELECT DISTINCT object FROM pins")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(IndexContents { actions, pins })
        })
    }
}

/// What the index refers to.
struct IndexContents {
    actions: BTreeMap<Hash, Entry>,
    pins: BTreeSet<Hash>,
}

struct Entry {
    output: Hash,
    current: bool,
}

/// The items of `planned` whose key is in `now` too, as they are now.
fn both<T: Clone, K: Ord>(planned: &[T], now: &[T], key: impl Fn(&T) -> K) -> Vec<T> {
    let planned: BTreeSet<K> = planned.iter().map(&key).collect();
    now.iter().filter(|item| planned.contains(&key(item))).cloned().collect()
}
