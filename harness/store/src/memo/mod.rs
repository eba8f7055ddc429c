//! The memo: values by key, kept one by one, such as generations, verdicts and program runs.
//!
//! [`Store::recall`](crate::Store::recall) and [`Store::remember`](crate::Store::remember) are the map itself.
//! [`memoized`] is the way to use it: give it the keys of all values that are wanted and the computation of
//! those that are not known yet.
//!
//! Every value is kept with a hash over its key and its bytes, which is checked whenever it is read. A value
//! that fails the check, also one that belongs to another key, is never handed out: it is removed, and is
//! computed again. [`Store::memo_damaged`](crate::Store::memo_damaged) counts such values.
//!
//! # Size
//!
//! Values of up to 4 KiB are in the index; larger ones are in files beside it, the volumes, and take one row of
//! about 160 bytes. The largest use that is foreseen is the traces of a run at the paper's scale: 8 traces for
//! each of 16,710 questions, of 10,000 tokens or about 40 kB each. Those are 133,680 values, 5.4 GB in 20
//! volumes and 21 MB of the index. They are not compressed.
//!
//! Nothing is removed by itself. Garbage collection removes values that nobody has used for 90 days, or for as
//! long as [`GcRules::memo_idle`](crate::GcRules::memo_idle) says, and rewrites volumes of which more than half
//! is dead.

mod check;
mod collect;
mod kept;
mod values;
mod verify;
mod volumes;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use check::Check;
pub use collect::MemoGarbage;
pub(crate) use kept::Kept;
pub use verify::{DamagedValue, MemoReport};

use crate::{Hash, Result, Store, StoreError};
use values::CHUNK;

/// Values that are stored together: a kill loses at most so many.
const GROUP: usize = 256;

/// A value that comes later than this after the last group was stored completes a group.
const GROUP_TIME: Duration = Duration::from_secs(2);

/// A key that `compute` left without a value: a mistake in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no value was computed for key number {index} of the memo (counted from 0)")]
pub struct Unfilled {
    /// The first such key, as an index into the keys that were given.
    pub index: usize,
}

/// The values of `keys`, in their order: those that the memo of `store` knows, the others computed.
///
/// `compute` gets, in increasing order, the indices into `keys` of the keys without a value, the first one
/// where several are equal, and hands each value to the [`Keeper`]. It is not called if all values are known.
/// Values are kept as JSON; a stored value that is not the JSON of a `T` counts as damaged.
///
/// What was kept before `compute` failed stays stored.
///
/// # Errors
/// The error of `compute`, of the store, or [`Unfilled`] if `compute` succeeded without a value for each key.
pub fn memoized<T, E>(
    store: &Store,
    keys: &[Hash],
    compute: impl FnOnce(&[usize], &mut Keeper<'_, T>) -> Result<(), E>,
) -> Result<Vec<T>, E>
where
    T: Serialize + DeserializeOwned + Clone,
    E: From<StoreError> + From<Unfilled>,
{
    // Equal keys share a slot, named by the first of them.
    let mut first = HashMap::with_capacity(keys.len());
    let slots: Vec<usize> =
        keys.iter().enumerate().map(|(index, key)| *first.entry(*key).or_insert(index)).collect();
    let values = known(store, keys, &slots)?;
    let unknown: Vec<usize> =
        (0..keys.len()).filter(|&index| slots[index] == index && values[index].is_none()).collect();

    let mut keeper = Keeper { store, keys, slots, values, group: Vec::new(), stored: Instant::now() };
    if !unknown.is_empty() {
        let computed = compute(&unknown, &mut keeper);
        let stored = keeper.store_group();
        // The failure of the computation came first, and tells more.
        computed?;
        stored?;
    }
    keeper.into_values().map_err(E::from)
}

/// The values that the memo knows, each at the slot of its key.
fn known<T: DeserializeOwned>(store: &Store, keys: &[Hash], slots: &[usize]) -> Result<Vec<Option<T>>> {
    let mut values: Vec<Option<T>> = keys.iter().map(|_| None).collect();
    let distinct: Vec<usize> = (0..keys.len()).filter(|&index| slots[index] == index).collect();
    let mut unreadable = Vec::new();
    // In chunks, so that large values are not in memory twice, as bytes and decoded.
    for chunk in distinct.chunks(CHUNK) {
        let wanted: Vec<Hash> = chunk.iter().map(|&index| keys[index]).collect();
        for (&index, bytes) in chunk.iter().zip(store.recall(&wanted)?) {
            let Some(bytes) = bytes else { continue };
            match serde_json::from_slice(&bytes) {
                Ok(value) => values[index] = Some(value),
                Err(_) => unreadable.push(keys[index]),
            }
        }
    }
    store.remove_values(&unreadable)?;
    Ok(values)
}

/// Takes the values that [`memoized`] has computed, and stores them in groups: of 256, or sooner if the last
/// group is more than 2 seconds ago.
pub struct Keeper<'a, T> {
    store: &'a Store,
    keys: &'a [Hash],
    /// For each key the index of the first equal one.
    slots: Vec<usize>,
    /// By slot.
    values: Vec<Option<T>>,
    /// Not stored yet.
    group: Vec<(Hash, Vec<u8>)>,
    /// When the last group was stored.
    stored: Instant,
}

impl<T: Serialize> Keeper<'_, T> {
    /// Takes the value of `keys[index]` and of all equal keys, and stores it soon. If there is a value, that
    /// one stays. An index beyond the keys is ignored.
    ///
    /// # Errors
    /// Those of [`Store::remember`]; [`StoreError::ReadOnly`] at once, not only when a group is full.
    pub fn keep(&mut self, index: usize, value: T) -> Result<()> {
        self.store.require_writable()?;
        let Some(slot) = self.free_slot(index) else { return Ok(()) };
        let bytes = serde_json::to_vec(&value).map_err(StoreError::BadValue)?;
        self.group.push((self.keys[slot], bytes));
        self.values[slot] = Some(value);
        if self.group.len() >= GROUP || self.stored.elapsed() >= GROUP_TIME {
            self.store_group()?;
        }
        Ok(())
    }
}

impl<T> Keeper<'_, T> {
    /// Takes a value that must not be stored, such as a failure of the judge: the next run tries again. If
    /// there is a value, that one stays. An index beyond the keys is ignored.
    pub fn pass(&mut self, index: usize, value: T) {
        if let Some(slot) = self.free_slot(index) {
            self.values[slot] = Some(value);
        }
    }

    fn free_slot(&self, index: usize) -> Option<usize> {
        self.slots.get(index).copied().filter(|&slot| self.values[slot].is_none())
    }

    fn store_group(&mut self) -> Result<()> {
        self.store.remember(&self.group)?;
        self.group.clear();
        self.stored = Instant::now();
        Ok(())
    }
}

impl<T: Clone> Keeper<'_, T> {
    /// A value for each key.
    fn into_values(mut self) -> Result<Vec<T>, Unfilled> {
        let mut uses = vec![0usize; self.slots.len()];
        for &slot in &self.slots {
            uses[slot] += 1;
        }
        let take = |(index, &slot): (usize, &usize)| {
            uses[slot] -= 1;
            let value = &mut self.values[slot];
            // Only equal keys need copies.
            let value = if uses[slot] == 0 { value.take() } else { value.clone() };
            value.ok_or(Unfilled { index })
        };
        self.slots.iter().enumerate().map(take).collect()
    }
}
