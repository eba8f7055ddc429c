//! The findings of one call: kept in the memo, or held here where the store does not take them.

use std::collections::HashMap;

use assay_store::memo::{Keeper, Unfilled};
use assay_store::{ErrorClass, Hash, Store, StoreError};

use super::error::JudgingError;
use super::job::Finding;

/// What is told why findings are not kept.
pub(super) type Unkept = dyn Fn(&StoreError) + Send + Sync;

/// Keys that are looked up in one go.
const CHUNK: usize = 1024;

/// Findings that were made in one call. Where it is to go on without the memo, copies of all of them, since nothing
/// comes back from a memo that failed.
pub(super) struct Made<'a> {
    unkept: Option<&'a Unkept>,
    /// By index among the keys.
    copies: HashMap<usize, Finding>,
    /// Whether the memo has failed.
    failed: bool,
}

impl<'a> Made<'a> {
    pub(super) fn new(unkept: Option<&'a Unkept>) -> Self {
        Self { unkept, copies: HashMap::new(), failed: false }
    }

    /// Keeps a finding, or passes it on: a failure of the judge, and all after the memo has failed.
    pub(super) fn keep(
        &mut self,
        keeper: &mut Keeper<'_, Finding>,
        index: usize,
        finding: Finding,
    ) -> Result<(), StoreError> {
        if self.unkept.is_some() {
            self.copies.insert(index, finding.clone());
        }
        if self.failed || finding.is_judge_failure() {
            keeper.pass(index, finding);
            return Ok(());
        }
        if let Err(error) = keeper.keep(index, finding.clone()) {
            self.bear(error)?;
            // A memo that refuses at once has not even taken note of it.
            keeper.pass(index, finding);
        }
        Ok(())
    }

    /// Goes on after a failure of the memo, if that is wanted and the machine is at fault; tells why the first time.
    fn bear(&mut self, error: StoreError) -> Result<(), StoreError> {
        match self.unkept {
            Some(tell) if error.class() == ErrorClass::Environment => {
                if !std::mem::replace(&mut self.failed, true) {
                    tell(&error);
                }
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// All findings after the memo has failed: those that were made, and those that it knew before.
    pub(super) fn with_known(
        mut self,
        store: &Store,
        keys: &[Hash],
        error: StoreError,
    ) -> Result<Vec<Finding>, JudgingError> {
        // Where it failed before it was asked for anything, nothing was made either.
        if self.copies.is_empty() {
            return Err(error.into());
        }
        self.bear(error)?;
        let made: HashMap<Hash, Finding> = self
            .copies
            .into_iter()
            .filter_map(|(index, finding)| Some((*keys.get(index)?, finding)))
            .collect();
        let mut findings = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            for (key, bytes) in chunk.iter().zip(store.recall(chunk)?) {
                let known = || serde_json::from_slice(&bytes?).ok();
                let finding = made.get(key).cloned().or_else(known);
                findings.push(finding.ok_or(Unfilled { index: findings.len() })?);
            }
        }
        Ok(findings)
    }
}

/// How many of these keys, equal ones counted each, have a finding in the store.
pub(super) fn count_kept(store: &Store, keys: &[Hash]) -> usize {
    let found = |chunk| store.recall(chunk).map_or(0, |values| values.iter().flatten().count());
    keys.chunks(CHUNK).map(found).sum()
}
