//! What the store remembers of challenges. Values of the memo never change, so each challenge of an artefact is one more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use assay_report::Challenge;
use assay_store::{Hash, Hasher, Store};

use crate::failure::Failure;

/// Challenges of one artefact that are remembered.
const MOST: u64 = 64;

/// The key of one challenge: the step's own key, the artefact, and how many were remembered before.
fn key((step, artefact): (Hash, Hash), before: u64) -> Hash {
    let mut hasher = Hasher::new("assay challenge 1");
    hasher.hash("step", &step).hash("artefact", &artefact).u64("before", before);
    hasher.finish()
}

/// What the store remembers of challenges, looked up once for each artefact: several tables have artefacts in common.
#[derive(Default)]
pub(crate) struct Challenges {
    known: Mutex<HashMap<(Hash, Hash), Option<Challenge>>>,
}

impl Challenges {
    /// As [`known`] has them.
    pub(crate) fn of(
        &self,
        store: &Store,
        artefacts: &[(Hash, Hash)],
    ) -> Result<Vec<Option<Challenge>>, Failure> {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<(Hash, Hash)> =
            artefacts.iter().filter(|artefact| !all.contains_key(*artefact)).copied().collect();
        let found = known(store, &new)?;
        all.extend(new.into_iter().zip(found));
        Ok(artefacts.iter().map(|artefact| all.get(artefact).copied().flatten()).collect())
    }
}

/// What all challenges of these artefacts together say, each given with the key of its step; the worst label counts.
fn known(store: &Store, artefacts: &[(Hash, Hash)]) -> Result<Vec<Option<Challenge>>, Failure> {
    let mut known = vec![None; artefacts.len()];
    let mut open: Vec<usize> = (0..artefacts.len()).collect();
    for before in 0..MOST {
        let keys: Vec<Hash> = open.iter().map(|index| key(artefacts[*index], before)).collect();
        let found = store.recall(&keys)?;
        let mut left = Vec::new();
        for (index, bytes) in open.into_iter().zip(found) {
            let challenge = bytes.and_then(|bytes| serde_json::from_slice::<Challenge>(&bytes).ok());
            if let Some(challenge) = challenge {
                known[index] = Some(known[index].map_or(challenge, |all| both(all, challenge)));
                left.push(index);
            }
        }
        open = left;
        if open.is_empty() {
            break;
        }
    }
    Ok(known)
}

/// Remembers a challenge.
pub(crate) fn add(store: &Store, artefact: (Hash, Hash), challenge: Challenge) -> Result<(), Failure> {
    let keys: Vec<Hash> = (0..MOST).map(|before| key(artefact, before)).collect();
    let found = store.recall(&keys)?;
    if let Some(free) = found.iter().position(Option::is_none) {
        let bytes = serde_json::to_vec(&challenge).map_err(|error| Failure::Internal(error.to_string()))?;
        store.remember(&[(keys[free], bytes)])?;
    }
    Ok(())
}

fn both(one: Challenge, other: Challenge) -> Challenge {
    Challenge {
        label: one.label.max(other.label),
        repetitions: one.repetitions.saturating_add(other.repetitions),
    }
}
