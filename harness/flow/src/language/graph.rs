//! The steps that a recipe's target needs, checked and ready to be planned.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::kind::StepKind;
use crate::language::diagnostic::Diagnostic;
use crate::language::recipe::Recipe;
use crate::language::scale::Scale;
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::params::{Label, Params};

/// One step instance: a step of the pipeline, for one seed if it runs once per seed.
#[derive(Clone)]
pub struct Step {
    /// `reasoner`, or `reasoner[seed=1]`.
    pub id: String,
    /// The step's name in the pipeline.
    pub name: String,
    /// The seed of a step that runs once per seed.
    pub seed: Option<u64>,
    /// The name of the model that the step belongs to, if it belongs to one.
    pub label: Option<String>,
    /// `about` in the pipeline.
    pub about: Option<String>,
    /// Where the step is defined.
    pub at: Location,
    /// Its kind.
    pub kind: Arc<dyn StepKind>,
    /// Its resolved parameters.
    pub params: Params,
    pub(crate) inputs: Vec<Input>,
}

/// The steps connected to one input, as indices into [`Graph::steps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) steps: Vec<usize>,
}

impl Step {
    /// The model and the seed of its output, for kinds that read them.
    pub fn label(&self) -> Label {
        Label { name: self.label.as_ref().unwrap_or(&self.name).clone(), seed: self.seed }
    }

    /// Whether the kind reads the labels of this input.
    pub(crate) fn reads_labels(&self, input: &str) -> bool {
        self.kind.inputs().iter().any(|spec| spec.name == input && spec.labelled)
    }

    /// The last part of the name of a model's step, such as `final` of `ours.final`.
    pub(crate) fn own_name(&self) -> Option<&str> {
        self.name.strip_prefix(self.label.as_deref()?)?.strip_prefix('.')
    }

    /// The names of the inputs, each with the steps connected to it, as indices into the steps of the graph.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.inputs.iter().map(|input| (input.name.as_str(), input.steps.as_slice()))
    }

    /// Indices of all steps that this one takes as inputs, input by input.
    pub(crate) fn upstream(&self) -> impl Iterator<Item = usize> {
        self.inputs.iter().flat_map(|input| input.steps.iter().copied())
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Step");
        debug.field("id", &self.id).field("kind", &self.kind.name()).field("params", &self.params);
        debug.field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

/// What the output of an artefact recipe must be, by its lockfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The lockfile's name.
    pub lock: String,
    /// The entry in it.
    pub entry: String,
    /// The output's hash.
    pub hash: Hash,
}

/// A checked recipe: its steps in an order in which each follows its inputs.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) recipe: Recipe,
    pub(crate) scale: Arc<Scale>,
    pub(crate) expect: Option<Expectation>,
    pub(crate) files: Vec<(Utf8PathBuf, Hash)>,
    pub(crate) steps: Vec<Step>,
    /// Index of the target, which is always the last step.
    pub(crate) target: usize,
}

impl Graph {
    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The scale, with the values that `--set` replaced.
    pub fn scale(&self) -> &Scale {
        &self.scale
    }

    /// What the target's output must be, if the recipe says so.
    pub fn expectation(&self) -> Option<&Expectation> {
        self.expect.as_ref()
    }

    /// The files that the graph was read from, relative to the workspace's root, in the order in which they
    /// were read, each with the BLAKE3 hash of its text as it was then.
    pub fn files(&self) -> &[(Utf8PathBuf, Hash)] {
        &self.files
    }

    /// All steps, each after its inputs. The order is the same every time.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step whose output the recipe wants.
    pub fn target(&self) -> &Step {
        &self.steps[self.target]
    }

    /// The inputs of a step: input names with the connected steps in order.
    pub fn inputs<'g>(&'g self, step: &'g Step) -> impl Iterator<Item = (&'g str, Vec<&'g Step>)> {
        step.inputs
            .iter()
            .map(|input| (input.name.as_str(), input.steps.iter().map(|index| &self.steps[*index]).collect()))
    }

    /// The steps that take this one as an input.
    pub fn users<'g>(&'g self, step: &'g Step) -> impl Iterator<Item = &'g Step> {
        self.steps.iter().filter(|user| user.upstream().any(|index| self.steps[index].id == step.id))
    }

    /// The part of the graph that these steps need, by id, themselves included; the last of them is its target. `None` if
    /// it has none of them.
    pub fn towards(&self, wanted: &BTreeSet<String>) -> Option<Self> {
        let wanted: Vec<bool> = self.steps.iter().map(|step| wanted.contains(&step.id)).collect();
        let target = wanted.iter().rposition(|wanted| *wanted)?;
        let (steps, places) = part(&self.steps, &with_inputs(&self.steps, wanted));
        Some(Self { target: places[target], steps, ..self.clone() })
    }

    /// Steps by id (`ours.final[seed=1]`), by name (`ours.final`, all its instances), by the name of their model
    /// (`ours`, all its steps), or by the last part of their name (`final`, of all models).
    ///
    /// # Errors
    /// Near names if there is none.
    pub fn find(&self, name: &str) -> Result<Vec<&Step>, Diagnostic> {
        let names = |step: &Step| step.id == name || step.name == name;
        let parts = |step: &Step| step.label.as_deref() == Some(name) || step.own_name() == Some(name);
        let mut found: Vec<&Step> = self.steps.iter().filter(|step| names(step)).collect();
        if found.is_empty() {
            found = self.steps.iter().filter(|step| parts(step)).collect();
        }
        if found.is_empty() {
            let known = self
                .steps
                .iter()
                .flat_map(|step| [Some(step.id.as_str()), Some(step.name.as_str()), step.own_name()])
                .flatten();
            // The bare name is the better suggestion unless a seed was asked for.
            let known: Vec<&str> = known.filter(|known| name.contains('[') || !known.contains('[')).collect();
            let message = format!("recipe `{}` has no step `{name}`", self.recipe.name);
            return Err(Diagnostic::user(message).maybe_help(likely(name, known)));
        }
        Ok(found)
    }
}

/// Which steps are wanted or needed by those that are. Each step follows its inputs, so one walk from the end meets all.
pub(crate) fn with_inputs(steps: &[Step], mut wanted: Vec<bool>) -> Vec<bool> {
    for index in (0..steps.len()).rev() {
        if wanted[index] {
            steps[index].upstream().for_each(|up| wanted[up] = true);
        }
    }
    wanted
}

/// The steps that are needed, in a list of their own, and the place of each in it.
pub(crate) fn part(steps: &[Step], needed: &[bool]) -> (Vec<Step>, Vec<usize>) {
    let mut places = vec![usize::MAX; steps.len()];
    let mut kept: Vec<Step> = Vec::new();
    for (index, step) in steps.iter().enumerate().filter(|(index, _)| needed[*index]) {
        places[index] = kept.len();
        let mut step = step.clone();
        step.inputs.iter_mut().flat_map(|input| &mut input.steps).for_each(|up| *up = places[*up]);
        kept.push(step);
    }
    (kept, places)
}
