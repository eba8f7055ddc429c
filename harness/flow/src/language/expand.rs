//! From definitions to step instances: seeds, parameters, connections.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{InputSpec, Registry};
use crate::language::alone::{AloneStep, steps_alone};
use crate::language::checked::Checked;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::graph::{Input, Step};
use crate::language::locate::{Part, diagnose, place};
use crate::language::references::{Resolver, Seed};
use crate::language::schema::misfits;
use crate::language::steps::{Definitions, StepDefinition, needed};
use crate::values::location::Location;
use crate::values::params::{Label, ParamError, Params};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// The parameter that hands a recipe's own content to its target step.
pub(crate) const RECIPE: &str = "recipe";

/// Expands the steps that the recipe's target needs, each after its inputs, the target last. The definitions
/// have passed the structural checks. What is wrong is reported; then the result is incomplete. Models and
/// templates that the target does not need are checked as well: a pipeline is right or wrong as a whole.
pub(crate) fn expand(checked: &Checked, registry: &Registry, problems: &mut Diagnostics) -> Vec<Step> {
    let mut expansion = Expansion {
        checked,
        registry,
        steps: Vec::new(),
        instances: BTreeMap::new(),
        reported: BTreeSet::new(),
    };
    let definitions = checked.definitions();
    let needed = in_order(&definitions, [&*checked.target]);
    if let Some(step) = needed.iter().find(|step| step.each_seed && checked.scale.seeds.is_empty()) {
        problems.push(checked.scale.without_seeds(&step.name, &step.at));
        return Vec::new();
    }
    for definition in &needed {
        expansion.add(definition, &checked.scale.seeds, problems);
    }
    let count = expansion.steps.len();
    expansion.check_others(&definitions, &needed, problems);
    let mut steps = expansion.steps;
    steps.truncate(count);
    steps
}

/// The definitions that these targets need, each after its inputs; among those that could come next, by name.
pub(crate) fn in_order<'d>(
    definitions: &Definitions<'d>,
    targets: impl IntoIterator<Item = &'d str>,
) -> Vec<&'d StepDefinition> {
    let needed = needed(definitions, targets);
    let definition = |name: &str| definitions.get(name).copied();
    let mut waits_for: BTreeMap<&str, usize> = BTreeMap::new();
    let mut users: BTreeMap<&str, Vec<&'d StepDefinition>> = BTreeMap::new();
    let mut ready = BTreeSet::new();
    for step in needed.iter().filter_map(|name| definition(name)) {
        let upstream: BTreeSet<&str> = step.upstream().map(|(name, _)| name).collect();
        upstream.iter().for_each(|name| users.entry(name).or_default().push(step));
        if upstream.is_empty() {
            ready.insert(step.name.as_str());
        }
        waits_for.insert(&step.name, upstream.len());
    }
    let mut order = Vec::with_capacity(needed.len());
    while let Some(next) = ready.pop_first().and_then(definition) {
        order.push(next);
        for user in users.remove(next.name.as_str()).into_iter().flatten() {
            if let Some(left) = waits_for.get_mut(user.name.as_str()) {
                *left -= 1;
                if *left == 0 {
                    ready.insert(&user.name);
                }
            }
        }
    }
    order
}

/// The names of connected steps, in the place of the labels that models would give.
fn labels_alone(definition: &StepDefinition, specs: &[InputSpec]) -> BTreeMap<String, Vec<Label>> {
    let labelled = definition
        .inputs
        .iter()
        .filter(|input| specs.iter().any(|spec| spec.name == input.name && spec.labelled));
    let label = |(name, _): &(String, Location)| Label { name: name.clone(), seed: None };
    labelled.map(|input| (input.name.clone(), input.steps.iter().map(label).collect())).collect()
}

struct Expansion<'a> {
    checked: &'a Checked,
    registry: &'a Registry,
    steps: Vec<Step>,
    /// Indices of a definition's instances, in seed order.
    instances: BTreeMap<&'a str, Vec<usize>>,
    /// What kinds have said about values, by place: the steps of many models share a value.
    reported: BTreeSet<String>,
}

impl<'a> Expansion<'a> {
    /// Adds a step, with one instance for each of these seeds if it runs once for each.
    fn add(&mut self, definition: &'a StepDefinition, seeds: &[(u64, Located)], problems: &mut Diagnostics) {
        let seeds: Vec<Option<&(u64, Located)>> = match definition.each_seed {
            true => seeds.iter().map(Some).collect(),
            false => vec![None],
        };
        for seed in seeds {
            if let Some(step) = self.instance(definition, seed, problems) {
                self.instances.entry(&definition.name).or_default().push(self.steps.len());
                self.steps.push(step);
            }
        }
    }

    /// Checks what the target does not need: the steps of other models, for one seed, and those of templates that
    /// no model uses.
    fn check_others(
        &mut self,
        definitions: &Definitions<'a>,
        needed: &[&'a StepDefinition],
        problems: &mut Diagnostics,
    ) {
        let seed = self.checked.scale.some_seed();
        let known: BTreeSet<&str> = needed.iter().map(|step| step.name.as_str()).collect();
        let of_models =
            definitions.values().filter(|step| step.model.is_some()).map(|step| step.name.as_str());
        for definition in in_order(definitions, of_models) {
            if !known.contains(definition.name.as_str()) {
                self.add(definition, std::slice::from_ref(&seed), problems);
            }
        }
        for alone in self.checked.alone.iter().flat_map(steps_alone) {
            self.check_alone(&alone, &seed, problems);
        }
    }

    /// Checks a step of a template that no model uses. Where a value that only a model would give is missing, the
    /// kind's schema is asked instead of the kind.
    fn check_alone(&mut self, alone: &AloneStep, seed: &(u64, Located), problems: &mut Diagnostics) {
        let definition = &alone.step;
        let Some(kind) = self.registry.get(&definition.kind) else { return };
        let mut root = definition.params.clone();
        let before = problems.len();
        let stands_for = if definition.each_seed { Seed::Is(&seed.1) } else { Seed::None };
        Resolver::new(self.checked.values(), stands_for).resolve(&mut root, problems);
        if problems.len() > before {
            return;
        }
        let result = match alone.holes.is_empty() {
            true => {
                let seed = definition.each_seed.then_some(seed.0);
                let params =
                    Params { root: root.clone(), seed, labels: labels_alone(definition, kind.inputs()) };
                kind.check(&params)
            }
            false => ParamError::all(misfits(&kind.parameters(), &root, &alone.holes)),
        };
        self.check(definition, result, &root, problems);
    }

    fn instance(
        &mut self,
        definition: &StepDefinition,
        seed: Option<&(u64, Located)>,
        problems: &mut Diagnostics,
    ) -> Option<Step> {
        let kind = self.registry.get(&definition.kind)?;
        let mut root = definition.params.clone();
        let mut found = Diagnostics::default();
        let stands_for = seed.map_or(Seed::None, |(_, located)| Seed::Is(located));
        Resolver::new(self.checked.values(), stands_for).resolve(&mut root, &mut found);
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
            self.check(definition, kind.check(&params), &params.root, &mut found);
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
            label: definition.model.clone(),
            about: definition.about.clone(),
            at: definition.at.clone(),
            kind: kind.clone(),
            params,
            inputs,
        })
    }

    /// Gives the target the recipe's own content as one more parameter.
    fn add_recipe(&self, definition: &StepDefinition, root: &mut Located, problems: &mut Diagnostics) {
        let (recipe, content) = (&self.checked.recipe, &self.checked.content);
        if definition.name != self.checked.target || content.is_empty() {
            return;
        }
        let content = Located { value: Value::Table(content.clone()), ..recipe.root.clone() };
        let Value::Table(params) = &mut root.value else { return };
        if let Some(taken) = params.insert(RECIPE.to_owned(), content) {
            let message = format!("the parameter `{RECIPE}` is filled in from the recipe itself");
            problems.push(Diagnostic::user(message).at(place(&taken, &definition.at)).help("rename it"));
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

    /// Reports what a kind says about its parameters, at the places of the values. Of the steps of several
    /// models and seeds that share a value, the first one reports it.
    fn check(
        &mut self,
        definition: &StepDefinition,
        result: Result<(), ParamError>,
        root: &Located,
        problems: &mut Diagnostics,
    ) {
        let Err(error) = result else { return };
        for error in error.flatten() {
            let name = &definition.name;
            let of_whole = error.path.is_empty() || error.key;
            // What is wrong with a key is said of the table that has it.
            let shown = if error.key { error.path.parent() } else { error.path.clone() };
            let message = match shown.is_empty() {
                true => format!("step `{name}`: {}", error.message),
                false => format!("step `{name}`, `{shown}`: {}", error.message),
            };
            let part = match (error.key, error.offset) {
                (true, _) => Part::Key,
                (false, Some(offset)) => Part::Offset(offset),
                (false, None) => Part::Value,
            };
            let found = diagnose(root, &error.path, part, message, error.suggestion);
            let place = found.location.as_ref().map(ToString::to_string).unwrap_or_default();
            let path = if of_whole { ValuePath::default() } else { error.path };
            if self.reported.insert(format!("{place} {path} {}", error.message)) {
                problems.push(found);
            }
        }
    }
}
