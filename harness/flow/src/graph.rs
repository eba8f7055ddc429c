//! The steps that a recipe's target needs, checked and ready to be planned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use assay_store::Hash;

use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::expand::expand;
use crate::kind::{Registry, StepKind};
use crate::names::likely;
use crate::params::Params;
use crate::recipe::Recipe;
use crate::scale::Scale;
use crate::steps::{StepDefinition, read_pipeline};
use crate::structure::check_structure;
use crate::workspace::Workspace;

/// One step instance: a step of the pipeline, for one seed if it runs once per seed.
#[derive(Clone)]
pub struct Step {
    /// `reasoner`, or `reasoner[seed=1]`.
    pub id: String,
    /// The step's name in the pipeline.
    pub name: String,
    /// The seed of a step that runs once per seed.
    pub seed: Option<u64>,
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
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) steps: Vec<usize>,
}

impl Step {
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

/// What the lockfile says an artefact recipe's output must be.
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
    pub(crate) scale: Scale,
    pub(crate) expect: Option<Expectation>,
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

    /// Steps by id (`reasoner[seed=1]`) or by name (`reasoner`, all its instances).
    ///
    /// # Errors
    /// Near names if there is none.
    pub fn find(&self, name: &str) -> Result<Vec<&Step>, Diagnostic> {
        let found: Vec<&Step> = self.steps.iter().filter(|s| s.id == name || s.name == name).collect();
        if found.is_empty() {
            let known = self.steps.iter().flat_map(|s| [s.id.as_str(), s.name.as_str()]);
            // The bare name is the better suggestion unless a seed was asked for.
            let known: Vec<&str> = known.filter(|known| name.contains('[') || !known.contains('[')).collect();
            let message = format!("recipe `{}` has no step `{name}`", self.recipe.name);
            return Err(Diagnostic::user(message).maybe_help(likely(name, known)));
        }
        Ok(found)
    }
}

/// Reads a recipe, the pipeline and a scale, and checks everything that can be checked before a step runs.
///
/// `sets` are `path=value` arguments that replace values of the scale.
///
/// # Errors
/// All that is wrong, as far as one mistake does not hide another. Nothing has been run or written.
pub fn load(
    workspace: &Workspace,
    recipe: &str,
    scale: &str,
    sets: &[String],
    registry: &Registry,
) -> Result<Graph, Diagnostics> {
    let mut problems = Diagnostics::default();
    let recipe = workspace
        .open_named("recipe", "recipes", recipe, &mut problems)
        .and_then(|(file, root)| Recipe::read(recipe, &file, root, &mut problems));
    let definitions = read_definitions(workspace, recipe.as_ref(), &mut problems);
    if problems.is_empty() {
        check_structure(&definitions, registry, &mut problems);
    }
    let scale = workspace
        .open_named("scale", "recipes/scale", scale, &mut problems)
        .and_then(|(file, root)| Scale::read(scale, &file, root, sets, &mut problems));
    let expect = recipe.as_ref().and_then(|recipe| read_expectation(workspace, recipe, &mut problems));
    match (recipe, scale) {
        (Some(recipe), Some(scale)) if problems.is_empty() => {
            let steps = expand(&definitions, &recipe, &scale, registry, &mut problems);
            let target = steps.len().saturating_sub(1);
            problems.or_ok(Graph { recipe, scale, expect, steps, target })
        }
        _ => Err(problems),
    }
}

/// The pipeline's steps and the recipe's own, by name. A name that is defined twice is reported.
fn read_definitions(
    workspace: &Workspace,
    recipe: Option<&Recipe>,
    problems: &mut Diagnostics,
) -> BTreeMap<String, StepDefinition> {
    let mut all = Vec::new();
    match workspace.pipeline() {
        Ok(files) => {
            for file in files {
                if let Some(root) = workspace.open(&file, problems) {
                    all.extend(read_pipeline(&root, problems));
                }
            }
        }
        Err(diagnostic) => problems.push(diagnostic),
    }
    all.extend(recipe.into_iter().flat_map(|recipe| recipe.steps.iter().cloned()));
    let mut definitions: BTreeMap<String, StepDefinition> = BTreeMap::new();
    for definition in all {
        match definitions.get(&definition.name) {
            Some(first) => problems.push(
                Diagnostic::user(format!("step `{}` is defined twice", definition.name))
                    .at(&definition.at)
                    .note(&first.at, "first defined here")
                    .help("all pipeline files and the recipe share one graph; rename one of them"),
            ),
            None => {
                definitions.insert(definition.name.clone(), definition);
            }
        }
    }
    definitions
}

fn read_expectation(
    workspace: &Workspace,
    recipe: &Recipe,
    problems: &mut Diagnostics,
) -> Option<Expectation> {
    let (expect, (lock_at, entry_at)) = recipe.expect.as_ref().zip(recipe.expect_at.as_ref())?;
    let lock = match workspace.lock(&expect.lock) {
        Ok(lock) => lock,
        Err(found) => {
            for diagnostic in found.iter() {
                // What is wrong inside the lockfile has its place there; that it is missing is wrong here.
                let location = diagnostic.location.clone().unwrap_or_else(|| lock_at.clone());
                problems.push(diagnostic.clone().at(&location));
            }
            return None;
        }
    };
    match lock.entry(&expect.entry) {
        Ok(entry) => {
            let (lock, entry, hash) = (expect.lock.clone(), expect.entry.clone(), entry.blake3);
            Some(Expectation { lock, entry, hash })
        }
        Err(error) => {
            problems.push(Diagnostic::from(error).at(entry_at));
            None
        }
    }
}

/// The names of all steps that `target` needs, itself included.
pub(crate) fn needed<'d>(
    definitions: &'d BTreeMap<String, StepDefinition>,
    target: &'d str,
) -> BTreeSet<&'d str> {
    let mut needed = BTreeSet::new();
    let mut queue = vec![target];
    while let Some(name) = queue.pop() {
        if let Some(definition) = definitions.get(name).filter(|_| needed.insert(name)) {
            queue
                .extend(definition.inputs.iter().flat_map(|i| i.steps.iter()).map(|(step, _)| step.as_str()));
        }
    }
    needed
}
