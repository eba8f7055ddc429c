//! The plan: for each step, whether it runs and why. A run starts with the plan and decides about waiting steps
//! as the outputs of their inputs become known.

use std::fmt;

use assay_store::{Hash, ObjectKind, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::engine::differences::differences;
use crate::engine::key::Description;
use crate::engine::reason::Reason;
use crate::kind::facts::Facts;
use crate::language::diagnostic::Diagnostic;
use crate::language::graph::Graph;

/// Whether a step has to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its output is in the store.
    Cached,
    /// It has to run.
    Run,
    /// An upstream step runs first; if that gives the same output as before, this one need not run.
    Waits,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cached => "cached",
            Self::Run => "run",
            Self::Waits => "waits",
        })
    }
}

/// One step of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// Whether it has to run.
    pub state: State,
    /// Its key, if the outputs of all its inputs are known.
    pub key: Option<Hash>,
    /// Its output, if it is cached.
    pub output: Option<Hash>,
    /// Why it runs or may have to; empty for a cached step.
    pub reasons: Vec<Reason>,
    /// What the key is made of. Not part of the event log.
    #[serde(skip)]
    pub description: Option<Description>,
}

/// What a run would do, in the order of [`Graph::steps`].
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    entries: Vec<PlanEntry>,
}

impl Plan {
    /// One entry for each step, each after its inputs.
    pub fn entries(&self) -> &[PlanEntry] {
        &self.entries
    }

    /// The entry of an instance.
    pub fn entry(&self, step: &str) -> Option<&PlanEntry> {
        self.entries.iter().find(|entry| entry.step == step)
    }

    /// How many steps are in this state.
    pub fn count(&self, state: State) -> usize {
        self.entries.iter().filter(|entry| entry.state == state).count()
    }

    /// True if nothing would run.
    pub fn is_done(&self) -> bool {
        self.count(State::Cached) == self.entries.len()
    }

    /// The entries that a user means by `reasoner` or `reasoner[seed=1]`.
    ///
    /// # Errors
    /// Near names if the graph has no such step.
    pub fn why(&self, graph: &Graph, name: &str) -> Result<Vec<&PlanEntry>, Diagnostic> {
        Ok(graph.find(name)?.into_iter().filter_map(|step| self.entry(&step.id)).collect())
    }
}

/// Plans a run: reads the store and changes nothing.
///
/// # Errors
/// The store could not be read.
pub fn plan(graph: &Graph, store: &Store, facts: &Facts) -> Result<Plan, StoreError> {
    let decider = Decider::new(graph, store, facts);
    let mut outputs = vec![None; graph.steps.len()];
    let mut entries = Vec::with_capacity(outputs.len());
    for index in 0..graph.steps.len() {
        let entry = decider.decide(index, &outputs, None)?;
        outputs[index] = entry.output;
        entries.push(entry);
    }
    Ok(Plan { entries })
}

/// Decides, for one step at a time, whether it runs and why.
pub(crate) struct Decider<'a> {
    graph: &'a Graph,
    store: &'a Store,
    /// For each step, the facts that change its result.
    facts: Vec<Facts>,
}

impl<'a> Decider<'a> {
    pub(crate) fn new(graph: &'a Graph, store: &'a Store, facts: &Facts) -> Self {
        let facts = graph.steps.iter().map(|step| step.kind.facts(&step.params, facts)).collect();
        Self { graph, store, facts }
    }

    /// Decides about one step, given the outputs that are known. `corrupt` is an object that was found
    /// damaged when this step's output was last wanted.
    ///
    /// Verifying means reading, so it is done where bytes are about to be used: here for the target's output,
    /// and by the run for the inputs of each step that it starts. Other cached outputs are only looked up.
    pub(crate) fn decide(
        &self,
        index: usize,
        outputs: &[Option<Hash>],
        corrupt: Option<Hash>,
    ) -> Result<PlanEntry, StoreError> {
        let step = &self.graph.steps[index];
        let description = Description::of(self.graph, step, &self.facts[index], outputs);
        let key = description.key(step);
        let found = match key {
            Some(key) => self.look_up(index, &key)?,
            None => Found::Nothing,
        };
        let (state, output, reasons) = match found {
            Found::Output(output) => (State::Cached, Some(output), Vec::new()),
            Found::Damaged(hash) => (State::Run, None, vec![Reason::Corrupt { hash }]),
            Found::Nothing => {
                let mut reasons = self.reasons(&step.id, key, &description, corrupt)?;
                let waits_for = step.upstream().filter(|up| outputs[*up].is_none());
                let state = if key.is_some() { State::Run } else { State::Waits };
                for upstream in waits_for {
                    let reason = Reason::Upstream { step: self.graph.steps[upstream].id.clone() };
                    if !reasons.contains(&reason) {
                        reasons.push(reason);
                    }
                }
                (state, None, reasons)
            }
        };
        let step = step.id.clone();
        Ok(PlanEntry { step, state, key, output, reasons, description: Some(description) })
    }

    fn look_up(&self, index: usize, key: &Hash) -> Result<Found, StoreError> {
        let output = match self.store.action(key) {
            Ok(Some(action)) => action.output,
            Ok(None) => return Ok(Found::Nothing),
            Err(StoreError::Corrupt { hash, .. }) => return Ok(Found::Damaged(hash)),
            Err(error) => return Err(error),
        };
        if index != self.graph.target {
            return Ok(Found::Output(output));
        }
        match verify(self.store, &output) {
            Ok(()) => Ok(Found::Output(output)),
            Err(StoreError::Corrupt { hash, .. }) => Ok(Found::Damaged(hash)),
            Err(StoreError::Missing { .. }) => Ok(Found::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Why a step that is not cached is not, by comparison with the last time that it was run or used.
    fn reasons(
        &self,
        step: &str,
        key: Option<Hash>,
        description: &Description,
        corrupt: Option<Hash>,
    ) -> Result<Vec<Reason>, StoreError> {
        if let Some(hash) = corrupt {
            return Ok(vec![Reason::Corrupt { hash }]);
        }
        let Some(last) = self.store.latest_action(step)? else { return Ok(vec![Reason::NeverRun]) };
        if Some(last.key) == key {
            return Ok(vec![Reason::Missing { hash: last.output }]);
        }
        match Description::from_bytes(&last.description) {
            Some(old) => {
                let reasons = differences(&old, description);
                // Two keys differ and nothing that is described does: the way to make them has changed.
                let unexplained = reasons.is_empty() && key.is_some();
                Ok(if unexplained { vec![Reason::KeyFormat] } else { reasons })
            }
            None => Ok(vec![Reason::KeyFormat]),
        }
    }
}

/// What the store has for a key.
enum Found {
    Output(Hash),
    Damaged(Hash),
    Nothing,
}

/// Verifies all of an object; of a folder, every file.
fn verify(store: &Store, hash: &Hash) -> Result<(), StoreError> {
    match store.kind(hash)? {
        ObjectKind::File => Ok(()),
        ObjectKind::Tree => {
            store.tree(hash)?.iter().try_for_each(|(_, file)| store.path(&file.hash).map(drop))
        }
    }
}
