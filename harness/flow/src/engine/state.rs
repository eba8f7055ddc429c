//! How far each step of a run is.

use std::collections::{BTreeMap, BTreeSet};

use assay_store::Hash;

use crate::engine::error::FlowError;
use crate::engine::event::SavedBy;
use crate::engine::outcome::How;
use crate::engine::plan::{Plan, PlanEntry, State};
use crate::engine::work::Work;

/// How far a step is.
pub(crate) enum Progress {
    /// It waits for inputs.
    Waiting,
    /// It can start.
    Ready(PlanEntry),
    /// It is running, for the key of this entry.
    Running(PlanEntry),
    /// Its output is known.
    Done(PlanEntry, How),
    /// It failed.
    Failed,
}

/// The progress of all steps, by their index in [`Graph::steps`].
pub(crate) struct States<'a> {
    work: &'a Work<'a>,
    steps: Vec<Progress>,
    outputs: Vec<Option<Hash>>,
    /// For steps whose output was found damaged: the damaged object.
    damaged: BTreeMap<usize, Hash>,
    /// For each step, the steps that take it as an input.
    users: Vec<Vec<usize>>,
    /// Steps that may have to be decided about.
    undecided: BTreeSet<usize>,
    /// Steps that are running.
    running: BTreeSet<usize>,
    /// How many steps have no output yet.
    left: usize,
}

impl<'a> States<'a> {
    pub(crate) fn new(work: &'a Work<'a>, plan: &Plan) -> Self {
        let steps = plan.entries().iter().map(|entry| match entry.state {
            State::Cached => Progress::Done(entry.clone(), How::Cached),
            State::Run => Progress::Ready(entry.clone()),
            State::Waits => Progress::Waiting,
        });
        let outputs: Vec<Option<Hash>> = plan.entries().iter().map(|entry| entry.output).collect();
        Self {
            work,
            steps: steps.collect(),
            left: outputs.iter().filter(|output| output.is_none()).count(),
            outputs,
            damaged: BTreeMap::new(),
            users: work.users(),
            undecided: BTreeSet::new(),
            running: BTreeSet::new(),
        }
    }

    /// All steps, in the order of [`Graph::steps`].
    pub(crate) fn all(&self) -> &[Progress] {
        &self.steps
    }

    /// The outputs known so far.
    pub(crate) fn outputs(&self) -> &[Option<Hash>] {
        &self.outputs
    }

    /// The object that was damaged when a step's output was last wanted.
    pub(crate) fn damaged(&self, index: usize) -> Option<Hash> {
        self.damaged.get(&index).copied()
    }

    /// How many steps have no output yet.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// The next step that has to be decided about, if there is one.
    pub(crate) fn take_undecided(&mut self) -> Option<usize> {
        loop {
            let index = self.undecided.pop_first()?;
            if self.is_undecided(index) {
                return Some(index);
            }
        }
    }

    /// Whether a step waits although the outputs of all its inputs are known: it has to be decided about.
    fn is_undecided(&self, index: usize) -> bool {
        let known = self.work.steps[index].upstream().all(|up| self.outputs[up].is_some());
        known && matches!(self.steps[index], Progress::Waiting)
    }

    /// Whether a step can start. One whose key is that of a running step waits for its output instead.
    pub(crate) fn can_start(&self, index: usize) -> bool {
        let Progress::Ready(entry) = &self.steps[index] else { return false };
        let twin =
            |index: &usize| matches!(&self.steps[*index], Progress::Running(other) if other.key == entry.key);
        !self.running.iter().any(twin)
    }

    /// Whether a step is ready that has not started.
    pub(crate) fn has_ready(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Progress::Ready(_)))
    }

    /// Why an output is there that was not there when the run was planned.
    pub(crate) fn saved_by(&self, key: &Hash) -> SavedBy {
        let twin = |step: &Progress| match step {
            Progress::Done(entry, How::Ran { .. }) => entry.key.as_ref() == Some(key),
            _ => false,
        };
        if self.steps.iter().any(twin) { SavedBy::OtherRun } else { SavedBy::EarlyCutoff }
    }

    pub(crate) fn set_ready(&mut self, index: usize, entry: PlanEntry) {
        self.steps[index] = Progress::Ready(entry);
    }

    pub(crate) fn set_failed(&mut self, index: usize) {
        self.running.remove(&index);
        self.steps[index] = Progress::Failed;
    }

    /// Marks a ready step as running; gives its entry.
    pub(crate) fn start(&mut self, index: usize) -> Result<PlanEntry, FlowError> {
        let Progress::Ready(entry) = std::mem::replace(&mut self.steps[index], Progress::Waiting) else {
            return Err(FlowError::Internal("a step was started that is not ready".into()));
        };
        self.steps[index] = Progress::Running(entry.clone());
        self.running.insert(index);
        Ok(entry)
    }

    /// Takes back the entry of a running step, which waits from now on.
    pub(crate) fn stop(&mut self, index: usize) -> Result<PlanEntry, FlowError> {
        self.running.remove(&index);
        self.undecided.insert(index);
        match std::mem::replace(&mut self.steps[index], Progress::Waiting) {
            Progress::Running(entry) => Ok(entry),
            _ => Err(FlowError::Internal("a step ended that was not running".into())),
        }
    }

    /// Notes a step's output.
    pub(crate) fn set_done(&mut self, index: usize, entry: PlanEntry, output: Hash, how: How) {
        for (twin, step) in self.steps.iter_mut().enumerate() {
            if matches!(step, Progress::Ready(other) if other.key == entry.key) {
                *step = Progress::Waiting;
                self.undecided.insert(twin);
            }
        }
        // An input may have been found damaged meanwhile and may come out differently. Then this step is
        // decided about again; in the usual case its output is found under the same key.
        let used = entry.description.iter().flat_map(|description| &description.inputs);
        let known = self.work.steps[index].upstream().map(|up| self.outputs[up]);
        if used.map(|input| input.output).eq(known) {
            self.left -= usize::from(self.outputs[index].is_none());
            self.outputs[index] = Some(output);
            self.undecided.extend(&self.users[index]);
            self.steps[index] = Progress::Done(entry, how);
        }
    }

    /// Notes that `output` is damaged at `object`. Gives the steps that made it, each with whether this is
    /// the first time; they and all steps after them are decided about again.
    pub(crate) fn set_damaged(&mut self, output: Hash, object: Hash) -> Vec<(usize, bool)> {
        let makers: Vec<usize> =
            (0..self.outputs.len()).filter(|index| self.outputs[*index] == Some(output)).collect();
        let mut noted = Vec::with_capacity(makers.len());
        for maker in makers {
            noted.push((maker, self.damaged.insert(maker, object).is_none()));
            self.reset_from(maker);
        }
        noted
    }

    /// Forgets what is known about a step's output and about those of all steps after it. Running and failed
    /// steps are left alone.
    fn reset_from(&mut self, first: usize) {
        let mut stale = vec![false; self.steps.len()];
        stale[first] = true;
        for index in first..self.steps.len() {
            stale[index] |= self.work.steps[index].upstream().any(|up| stale[up]);
            if stale[index] && matches!(self.steps[index], Progress::Done(..) | Progress::Ready(_)) {
                self.steps[index] = Progress::Waiting;
                self.left += usize::from(self.outputs[index].is_some());
                self.outputs[index] = None;
                self.undecided.insert(index);
            }
        }
    }
}
