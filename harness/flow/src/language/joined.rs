//! Several recipes in one graph: a step that more than one of them needs is there once.

use std::sync::Arc;

use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::language::graph::{Expectation, Graph, Input, Step, part, with_inputs};
use crate::language::recipe::Recipe;
use crate::language::scale::Scale;

/// One recipe of a [`JoinedGraph`].
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) recipe: Recipe,
    pub(crate) expect: Option<Expectation>,
    pub(crate) files: Vec<(Utf8PathBuf, Hash)>,
    /// Indices of its steps in the joined graph, each after its inputs, the target last.
    pub(crate) steps: Vec<usize>,
}

/// Several checked recipes at one scale. A step that several recipes need (of equal definition, inputs and seed) is one
/// step; steps of one name that differ between recipes, as one that takes the results of all seeds where the recipes list
/// other seeds, are several. An id names one step of a recipe, not of a joined graph.
#[derive(Clone, Debug)]
pub struct JoinedGraph {
    pub(crate) scale: Arc<Scale>,
    pub(crate) steps: Vec<Step>,
    pub(crate) members: Vec<Member>,
}

impl JoinedGraph {
    /// The recipes, in the order in which they were named.
    pub fn recipes(&self) -> impl ExactSizeIterator<Item = &Recipe> {
        self.members.iter().map(|member| &member.recipe)
    }

    /// The scale, with the values that `--set` replaced.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// The files that the recipes were read from, as [`Graph::files`] has those of one; a file that several read is there for
    /// each.
    pub fn files(&self) -> impl Iterator<Item = &(Utf8PathBuf, Hash)> {
        self.members.iter().flat_map(|member| &member.files)
    }

    /// All steps, each after its inputs.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Indices of the steps that a step takes as inputs, input by input. Empty for a step that is not there.
    pub fn inputs_of(&self, step: usize) -> Vec<usize> {
        self.steps.get(step).map(|step| step.upstream().collect()).unwrap_or_default()
    }

    /// Indices of the steps that a recipe needs, in the order of its own graph, its target last. Empty for a recipe that is
    /// not there.
    pub fn steps_of(&self, recipe: usize) -> &[usize] {
        self.members.get(recipe).map(|member| member.steps.as_slice()).unwrap_or_default()
    }

    /// For each step, how many recipes need it.
    pub fn users(&self) -> Vec<usize> {
        let mut users = vec![0; self.steps.len()];
        self.members.iter().flat_map(|member| &member.steps).for_each(|step| users[*step] += 1);
        users
    }

    /// The graph of one recipe, as [`load`](crate::load) gives it. `None` for a recipe that is not there.
    pub fn graph(&self, recipe: usize) -> Option<Graph> {
        let Member { recipe, expect, files, steps } = self.members.get(recipe)?;
        let mut places = vec![usize::MAX; self.steps.len()];
        steps.iter().enumerate().for_each(|(place, step)| places[*step] = place);
        let input = |input: &Input| Input {
            name: input.name.clone(),
            steps: input.steps.iter().map(|step| places[*step]).collect(),
        };
        let step = |index: &usize| {
            let step = &self.steps[*index];
            Step { inputs: step.inputs.iter().map(input).collect(), ..step.clone() }
        };
        Some(Graph {
            recipe: recipe.clone(),
            scale: Arc::clone(&self.scale),
            expect: expect.clone(),
            files: files.clone(),
            steps: steps.iter().map(step).collect(),
            target: steps.len().saturating_sub(1),
        })
    }

    /// The steps that are wanted and what they need: each wanted step is a recipe of its own, called like the step. `None` if
    /// no step is wanted.
    pub fn towards(&self, wanted: impl Fn(&Step) -> bool) -> Option<Self> {
        let first = self.members.first()?;
        let needed = with_inputs(&self.steps, self.steps.iter().map(&wanted).collect());
        let (steps, _) = part(&self.steps, &needed);
        let members = (0..steps.len()).filter(|target| wanted(&steps[*target])).map(|target| {
            let mut recipe = first.recipe.clone();
            recipe.name.clone_from(&steps[target].id);
            let needed = with_inputs(&steps, (0..steps.len()).map(|index| index == target).collect());
            let steps = (0..steps.len()).filter(|index| needed[*index]).collect();
            Member { recipe, expect: None, files: first.files.clone(), steps }
        });
        let members: Vec<Member> = members.collect();
        (!members.is_empty()).then(|| Self { scale: Arc::clone(&self.scale), steps, members })
    }

    /// The graph of the only recipe.
    pub(crate) fn into_only(mut self) -> Option<Graph> {
        let Member { recipe, expect, files, .. } = self.members.pop().filter(|_| self.members.is_empty())?;
        let target = self.steps.len().saturating_sub(1);
        Some(Graph { recipe, scale: self.scale, expect, files, steps: self.steps, target })
    }
}
