//! Garbage collection: what nothing needs any more, and its removal.
//!
//! Kept are
//!
//! - the objects that a recorded report needs ([`Store::pin`]);
//! - the outputs of the *current* actions: the latest of each step name, and those that the last run or the
//!   last succeeded run of each title recorded or used, so that one scale's results survive work on another; a run for
//!   which nothing was noted ([`Store::touch_actions`]), as it repeats the one before, stands for nothing of its own;
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
//! A plan deletes nothing. Applying it makes a second plan and deletes what is in both: what the user saw and what is still
//! garbage. It takes the store's `active.lock` alone, so that no run is active. While one is, only what no run can need is
//! deleted: objects that no action refers to, checkpoints of finished actions that nobody works on, and what was set aside.
//!
//! A tree that is damaged does not say which files it had: they count as files of nobody, and the step that made it makes
//! them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::change::Change;
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
    /// Objects of the plan that stayed because something refers to them now, because they were put again, or because a
    /// run is active that might need them.
    pub spared: Vec<Hash>,
    /// Whether a run was active, so that only what no run can need was deleted.
    pub beside_runs: bool,
}

impl Store {
    /// What garbage collection would delete now. Deletes nothing.
    pub fn gc_plan(&self) -> Result<GcPlan> {
        self.gc_plan_with(GcRules::default())
    }

    /// As [`Store::gc_plan`], by other rules.
    pub fn gc_plan_with(&self, rules: GcRules) -> Result<GcPlan> {
        self.plan(rules, Runs::Ended)
    }

    fn plan(&self, rules: GcRules, runs: Runs) -> Result<GcPlan> {
        let mut index = self.index_contents()?;
        if runs == Runs::Active {
            index.actions.values_mut().for_each(|action| action.current = true);
        }
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

        let mut plan = GcPlan { rules, ..GcPlan::default() };
        if runs == Runs::Ended {
            plan.memo = self.memo_garbage(rules.memo_idle)?;
        }
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
        plan.checkpoints = self.idle_checkpoints(now)?;
        for (_, path, _) in durable::entries(&self.layout().corrupt())? {
            let bytes = usage(&path)?.bytes;
            plan.set_aside.push((path, bytes));
        }
        Ok(plan)
    }

    /// The checkpoints of finished actions, and those that nobody has changed for long.
    fn idle_checkpoints(&self, now: SystemTime) -> Result<Vec<Garbage>> {
        let mut checkpoints = Vec::new();
        for (name, path, _) in durable::entries(&self.layout().checkpoints())? {
            let Ok(key) = name.parse::<Hash>() else { continue };
            let usage = usage(&path)?;
            let idle = now.duration_since(usage.changed).is_ok_and(|idle| idle > CHECKPOINT_IDLE);
            let finished = match self.output(&key) {
                Ok(output) => output.is_some(),
                // Its step is done again, perhaps from the checkpoint.
                Err(StoreError::Corrupt { .. }) => false,
                Err(error) => return Err(error),
            };
            if idle || finished {
                checkpoints.push(Garbage { hash: key, bytes: usage.bytes });
            }
        }
        Ok(checkpoints)
    }

    /// Deletes what the plan lists, except what is no longer garbage, and what a run that is active might need.
    pub fn gc_apply(&self, plan: &GcPlan) -> Result<GcOutcome> {
        self.require_writable()?;
        let alone = self.lock_out_runs()?;
        // What a killed process has recorded in the journal alone is needed too.
        match self.index().catch_up() {
            Err(StoreError::DiskFull { .. }) => {}
            result => result?,
        }
        let now = self.plan(plan.rules, if alone.is_some() { Runs::Ended } else { Runs::Active })?;

        let mut outcome = GcOutcome { beside_runs: alone.is_none(), ..GcOutcome::default() };
        let keys: Vec<Hash> = both(&plan.actions, &now.actions, |key| *key);
        let objects: Vec<Garbage> = both(&plan.objects, &now.objects, |garbage| garbage.hash);
        outcome.actions = keys.len() as u64;
        let actions = Change::Collected { keys };
        // Actions first: a kill in between leaves objects that nobody refers to, not references to nothing.
        match self.index().change(Durability::Now, &actions) {
            // Then there must be room first. An action without its output counts as none.
            Err(StoreError::DiskFull { .. }) => {
                self.delete_objects(&objects, plan.rules.grace, &mut outcome)?;
                self.index().change(Durability::Now, &actions)?;
            }
            result => {
                result?;
                self.delete_objects(&objects, plan.rules.grace, &mut outcome)?;
            }
        }
        let deleted: BTreeSet<Hash> = objects.iter().map(|garbage| garbage.hash).collect();
        let mut spared: BTreeSet<Hash> = plan.objects.iter().map(|garbage| garbage.hash).collect();
        spared.retain(|hash| !deleted.contains(hash));
        outcome.spared.extend(spared);
        for Garbage { hash, bytes } in both(&plan.checkpoints, &now.checkpoints, |garbage| garbage.hash) {
            if self.try_lease(&hash)?.is_some() {
                self.clear_checkpoint(&hash)?;
                outcome.checkpoints += 1;
                outcome.bytes += bytes;
            }
        }
        for (path, bytes) in both(&plan.set_aside, &now.set_aside, |(path, _)| path.clone()) {
            durable::remove_file(&path)?;
            outcome.set_aside += 1;
            outcome.bytes += bytes;
        }
        if alone.is_some() {
            let (values, bytes) = self.collect_memo(&plan.memo)?;
            outcome.memo_values = values;
            outcome.bytes += bytes;
            self.remove_free_locks()?;
            self.shorten_journal()?;
        }
        Ok(outcome)
    }

    /// Deletes objects that nothing needs.
    fn delete_objects(&self, objects: &[Garbage], grace: Duration, outcome: &mut GcOutcome) -> Result<()> {
        for &Garbage { hash, bytes } in objects {
            let path = self.layout().object(&hash);
            if outcome.beside_runs {
                if !self.delete_if_old(&path, grace)? {
                    outcome.spared.push(hash);
                    continue;
                }
            } else {
                durable::remove_file(&path)?;
            }
            self.verified().remove(&hash);
            outcome.objects += 1;
            outcome.bytes += bytes;
        }
        Ok(())
    }

    /// Deletes an object unless another process has just put it again. Returns whether it is deleted.
    fn delete_if_old(&self, path: &Utf8Path, grace: Duration) -> Result<bool> {
        let doomed = self.session()?.fresh_path();
        match fs::rename(path, &doomed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            moved => moved.map_err(|error| StoreError::write("remove", path, error))?,
        }
        let put = fs::metadata(&doomed).and_then(|metadata| metadata.modified());
        let old = put.is_ok_and(|put| SystemTime::now().duration_since(put).is_ok_and(|age| age >= grace));
        if old {
            durable::remove_file(&doomed)?;
        } else {
            fs::rename(&doomed, path).map_err(|error| StoreError::write("put back", path, error))?;
        }
        Ok(old)
    }

    /// Writes the journal anew, if there is room: it gets shorter by what was deleted.
    fn shorten_journal(&self) -> Result<()> {
        match self.index().shorten_journal() {
            Err(StoreError::DiskFull { .. }) => Ok(()),
            result => result,
        }
    }

    /// Makes sure that no run is active until the result is dropped; `None` if one is.
    fn lock_out_runs(&self) -> Result<Option<Locked>> {
        let path = self.layout().active_lock();
        Locked::exclusive(&path, Wait::No).map_err(|error| StoreError::write("lock", &path, error))
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

    /// The objects and, for trees among them, the files in them. What is not there, or damaged, is left out.
    fn with_members(&self, roots: impl Iterator<Item = Hash>) -> Result<BTreeSet<Hash>> {
        let mut all = BTreeSet::new();
        for root in roots {
            if !all.insert(root) {
                continue;
            }
            match self.tree_if_any(&root) {
                Ok(Some(tree)) => all.extend(tree.iter().map(|(_, entry)| entry.hash)),
                Ok(None)
                | Err(
                    StoreError::Missing { .. } | StoreError::Corrupt { .. } | StoreError::BadManifest { .. },
                ) => {}
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
                         SELECT max(number) AS number FROM runs WHERE id IN (SELECT run FROM run_actions) GROUP BY title
                         UNION SELECT max(number) FROM runs
                         WHERE status = 'succeeded' AND id IN (SELECT run FROM run_actions) GROUP BY title
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

/// Whether runs go on while garbage is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Ended,
    /// Then whatever an action refers to may be needed.
    Active,
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
