//! The plan: for each step, whether it runs and why. A run starts with the plan and decides about waiting steps
//! as the outputs of their inputs become known.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use assay_store::{Hash, ObjectKind, Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::differences::differences;
use crate::engine::key::Description;
use crate::engine::reason::Reason;
use crate::engine::work::Work;
use crate::kind::facts::Facts;
use crate::language::diagnostic::Diagnostic;
use crate::language::graph::{Graph, Step};
use crate::language::joined::JoinedGraph;
use crate::values::value::Located;

/// Whether a step has to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    pub description: Option<Arc<Description>>,
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

    /// The entries of these steps, by their index among the planned ones, in this order.
    pub fn part(&self, steps: &[usize]) -> Self {
        Self { entries: steps.iter().filter_map(|index| self.entries.get(*index)).cloned().collect() }
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
    Decider::new(&Work::from(graph), store, facts).plan()
}

/// Plans a run of several recipes, as [`plan`] plans that of one; its entries are in the order of [`JoinedGraph::steps`].
///
/// # Errors
/// The store could not be read.
pub fn plan_joined(graph: &JoinedGraph, store: &Store, facts: &Facts) -> Result<Plan, StoreError> {
    Decider::new(&Work::from(graph), store, facts).plan()
}

/// Decides, for one step at a time, whether it runs and why.
pub(crate) struct Decider<'a> {
    work: &'a Work<'a>,
    store: &'a Store,
    /// For each step, the facts that change its result.
    facts: Vec<Facts>,
    /// Whether cached outputs are read, and not only looked up.
    verify: bool,
}

impl<'a> Decider<'a> {
    pub(crate) fn new(work: &'a Work<'a>, store: &'a Store, facts: &Facts) -> Self {
        // The steps of many seeds and models share their parameters, and with them the facts.
        let mut known: HashMap<(&str, *const Located), Facts> = HashMap::new();
        let mut of = |step: &Step| {
            let shared = (step.kind.name(), Arc::as_ptr(&step.params.root));
            known.entry(shared).or_insert_with(|| step.kind.facts(&step.params, facts)).clone()
        };
        Self { work, store, facts: work.steps.iter().map(&mut of).collect(), verify: false }
    }

    /// The same, which reads each cached output if `verify` is set.
    pub(crate) fn verifying(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Decides about all steps, each after its inputs.
    pub(crate) fn plan(&self) -> Result<Plan, StoreError> {
        let mut outputs = vec![None; self.work.steps.len()];
        let mut entries = Vec::with_capacity(outputs.len());
        for index in 0..self.work.steps.len() {
            let entry = self.decide(index, &outputs, None)?;
            outputs[index] = entry.output;
            entries.push(entry);
        }
        Ok(Plan { entries })
    }

    /// Decides about one step, given the outputs that are known. `corrupt` is an object that was found
    /// damaged when this step's output was last wanted.
    ///
    /// Verifying means reading, so it is done where bytes are about to be used: here for the target's output (or
    /// all, where the run says so), and by the run for the inputs of each step that it starts. Other cached
    /// outputs are only looked up.
    pub(crate) fn decide(
        &self,
        index: usize,
        outputs: &[Option<Hash>],
        corrupt: Option<Hash>,
    ) -> Result<PlanEntry, StoreError> {
        let step = &self.work.steps[index];
        let description = Description::of(self.work.steps, step, &self.facts[index], outputs);
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
                    let reason = Reason::Upstream { step: self.work.steps[upstream].id.clone() };
                    if !reasons.contains(&reason) {
                        reasons.push(reason);
                    }
                }
                (state, None, reasons)
            }
        };
        let step = step.id.clone();
        Ok(PlanEntry { step, state, key, output, reasons, description: Some(Arc::new(description)) })
    }

    fn look_up(&self, index: usize, key: &Hash) -> Result<Found, StoreError> {
        let output = match self.store.output(key) {
            Ok(Some(output)) => output,
            Ok(None) => return Ok(Found::Nothing),
            Err(StoreError::Corrupt { hash, .. }) => return Ok(Found::Damaged(hash)),
            Err(error) => return Err(error),
        };
        if !self.verify && !self.work.is_target(index) {
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
