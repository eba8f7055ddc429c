//! From definitions to step instances: seeds, parameters, connections.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{InputSpec, Registry};
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::graph::{Input, Step};
use crate::language::locate::{diagnose, place};
use crate::language::recipe::Recipe;
use crate::language::scale::{Scale, resolve};
use crate::language::steps::{StepDefinition, needed};
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::params::{Label, ParamError, Params};
use crate::values::value::{Located, Value};

type Definitions = BTreeMap<String, StepDefinition>;

/// The parameter that hands a recipe's own content to its target step.
const RECIPE: &str = "recipe";

/// Expands the steps that the recipe's target needs, each after its inputs, the target last. The definitions
/// have passed the structural checks. What is wrong is reported; then the result is incomplete.
pub(crate) fn expand(
    definitions: &Definitions,
    recipe: &Recipe,
    scale: &Scale,
    registry: &Registry,
    problems: &mut Diagnostics,
) -> Vec<Step> {
    let Some(target) = definitions.get(&recipe.target) else {
        let help = likely(&recipe.target, definitions.keys().map(String::as_str));
        let message = format!("unknown step `{}`", recipe.target);
        problems.push(Diagnostic::user(message).at(&recipe.target_at).maybe_help(help));
        return Vec::new();
    };
    if target.each_seed {
        let message = format!("the target `{}` is one for each seed; a recipe wants one output", target.name);
        let help = "add a step that takes all of them, and make it the target";
        problems.push(Diagnostic::user(message).at(&recipe.target_at).note(&target.at, "here").help(help));
    }
    for definition in recipe.steps.iter() {
        if !needed(definitions, &recipe.target).contains(definition.name.as_str()) {
            let message = format!("step `{}` is not needed by the target `{}`", definition.name, target.name);
            problems.push(Diagnostic::user(message).at(&definition.at).help("remove it, or connect it"));
        }
    }
    let mut expansion = Expansion { recipe, scale, registry, steps: Vec::new(), instances: BTreeMap::new() };
    for definition in in_order(definitions, &recipe.target) {
        expansion.add(definition, problems);
    }
    expansion.steps
}

/// The needed definitions, each after its inputs; among those that could come next, by name.
fn in_order<'d>(definitions: &'d Definitions, target: &'d str) -> Vec<&'d StepDefinition> {
    let mut left = needed(definitions, target);
    let mut order = Vec::with_capacity(left.len());
    let mut placed = BTreeSet::new();
    while let Some(next) = left
        .iter()
        .filter_map(|name| definitions.get(*name))
        .find(|d| d.inputs.iter().flat_map(|i| &i.steps).all(|(step, _)| placed.contains(step.as_str())))
    {
        left.remove(next.name.as_str());
        placed.insert(next.name.as_str());
        order.push(next);
    }
    order
}

struct Expansion<'a> {
    recipe: &'a Recipe,
    scale: &'a Scale,
    registry: &'a Registry,
    steps: Vec<Step>,
    /// Indices of a definition's instances, in seed order.
    instances: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Expansion<'a> {
    fn add(&mut self, definition: &'a StepDefinition, problems: &mut Diagnostics) {
        let seeds: Vec<Option<&(u64, Located)>> = match definition.each_seed {
            true => self.scale.seeds.iter().map(Some).collect(),
            false => vec![None],
        };
        if seeds.is_empty() {
            problems.push(
                Diagnostic::user(format!("{} lists no `seeds`", self.scale.file))
                    .at(&definition.at)
                    .help(format!("`{}` runs once for each: add `seeds = [1, 2, 3]`", definition.name)),
            );
        }
        for seed in seeds {
            if let Some(step) = self.instance(definition, seed, problems) {
                self.instances.entry(&definition.name).or_default().push(self.steps.len());
                self.steps.push(step);
            }
        }
    }

    fn instance(
        &self,
        definition: &StepDefinition,
        seed: Option<&(u64, Located)>,
        problems: &mut Diagnostics,
    ) -> Option<Step> {
        let kind = self.registry.get(&definition.kind)?;
        let mut root = definition.params.clone();
        let mut found = Diagnostics::default();
        resolve(&mut root, self.scale, seed, &mut found);
        self.add_recipe(definition, &mut root, &mut found);
        let seed = seed.map(|(seed, _)| *seed);
        let inputs: Vec<Input> = definition
            .inputs
            .iter()
            .map(|input| Input {
                name: input.name.clone(),
                steps: input.steps.iter().flat_map(|(step, _)| self.referenced(step, seed)).collect(),
            })
            .collect();
        let params = Params { root, seed, labels: self.labels(kind.inputs(), &inputs) };
        if found.is_empty() {
            check(definition, kind.check(&params), &params.root, &mut found);
        }
        found.iter().for_each(|diagnostic| problems.push(diagnostic.clone()));
        let id = match seed {
            Some(seed) => format!("{}[seed={seed}]", definition.name),
            None => definition.name.clone(),
        };
        Some(Step {
            id,
            name: definition.name.clone(),
            seed,
            label: None,
            about: definition.about.clone(),
            at: definition.at.clone(),
            kind: kind.clone(),
            params,
            inputs,
        })
    }

    /// Gives the target the recipe's own content as one more parameter.
    fn add_recipe(&self, definition: &StepDefinition, root: &mut Located, problems: &mut Diagnostics) {
        if definition.name != self.recipe.target || self.recipe.content.is_empty() {
            return;
        }
        let content =
            Located { value: Value::Table(self.recipe.content.clone()), ..self.recipe.root.clone() };
        let Value::Table(params) = &mut root.value else { return };
        if let Some(taken) = params.insert(RECIPE.to_owned(), content) {
            let message = format!("the parameter `{RECIPE}` is filled in from the recipe itself");
            let at: &Location = place(&taken, &definition.at);
            problems.push(Diagnostic::user(message).at(at).help("rename it"));
        }
    }

    /// The instances that a reference stands for: the one of the same seed, or all.
    fn referenced(&self, step: &str, seed: Option<u64>) -> Vec<usize> {
        let all = self.instances.get(step).map(Vec::as_slice).unwrap_or_default();
        let fits = |other: Option<u64>| seed.is_none() || other.is_none() || other == seed;
        all.iter().copied().filter(|index| fits(self.steps[*index].seed)).collect()
    }

    /// The labels of the artefacts of each labelled input, by its name.
    fn labels(&self, specs: &[InputSpec], inputs: &[Input]) -> BTreeMap<String, Vec<Label>> {
        let labelled = |input: &&Input| specs.iter().any(|spec| spec.name == input.name && spec.labelled);
        let labels = |input: &Input| input.steps.iter().map(|index| self.steps[*index].label()).collect();
        inputs.iter().filter(labelled).map(|input| (input.name.clone(), labels(input))).collect()
    }
}

/// Reports what a kind says about its parameters, at the places of the values.
fn check(
    definition: &StepDefinition,
    result: Result<(), ParamError>,
    root: &Located,
    problems: &mut Diagnostics,
) {
    let Err(error) = result else { return };
    for error in error.flatten() {
        let name = &definition.name;
        let message = match error.path.is_empty() || error.key {
            true => format!("step `{name}`: {}", error.message),
            false => format!("step `{name}`, `{}`: {}", error.path, error.message),
        };
        problems.push(diagnose(root, &error.path, error.key, message, error.suggestion));
    }
}
