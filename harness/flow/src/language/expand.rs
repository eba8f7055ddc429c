//! From definitions to step instances: seeds, parameters, connections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::kind::{InputSpec, Registry, StepKind};
use crate::language::alone::{AloneStep, steps_alone};
use crate::language::checked::Checked;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::graph::{Input, Step};
use crate::language::locate::{Part, diagnose, place};
use crate::language::pipeline::Pipeline;
use crate::language::references::{Resolver, Seed, Values};
use crate::language::schema::misfits;
use crate::language::seeds::PlacedSeed;
use crate::language::steps::{Definitions, StepDefinition, needed};
use crate::values::location::Location;
use crate::values::params::{Label, ParamError, Params};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// The parameter that hands a recipe's own content to its target step.
pub(crate) const RECIPE: &str = "recipe";

/// The steps of recipes, joined.
pub(crate) struct Expanded {
    /// Each after its inputs.
    pub(crate) steps: Vec<Step>,
    /// For each recipe, the indices of the steps that it needs, each after its inputs, the target last.
    pub(crate) members: Vec<Vec<usize>>,
}

/// Expands the steps that the recipes' targets need. The definitions have passed the structural checks. What is wrong is
/// reported; then the result is incomplete. Models and templates that no target needs are checked as well: a pipeline is
/// right or wrong as a whole.
pub(crate) fn expand(all: &[Checked], registry: &Registry, problems: &mut Diagnostics) -> Expanded {
    let Some(first) = all.first() else { return Expanded { steps: Vec::new(), members: Vec::new() } };
    let mut expansion = Expansion {
        checked: first,
        values: first.values(),
        registry,
        steps: Vec::new(),
        common: Vec::new(),
        known: BTreeMap::new(),
        instances: BTreeMap::new(),
        reported: BTreeSet::new(),
    };
    let mut members = Vec::with_capacity(all.len());
    for checked in all {
        members.push(expansion.recipe(checked, problems));
    }
    let count = expansion.steps.len();
    for (at, checked) in all.iter().enumerate() {
        let is_same = |other: &Checked| Arc::ptr_eq(&other.pipeline, &checked.pipeline);
        if !all[..at].iter().any(is_same) {
            let alike: Vec<&Checked> = all.iter().filter(|other| is_same(other)).collect();
            expansion.check_others(&alike, problems);
        }
    }
    let mut steps = expansion.steps;
    steps.truncate(count);
    Expanded { steps, members }
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

/// Whether two steps of one name and seed are the same: kind, parameters, inputs and labels.
fn is_equal(one: &Step, other: &Step) -> bool {
    let same = |one: &Arc<Located>, other: &Arc<Located>| {
        Arc::ptr_eq(one, other) || one.value.is_written_as(&other.value)
    };
    (one.kind.name(), &one.label, &one.inputs, &one.params.labels)
        == (other.kind.name(), &other.label, &other.inputs, &other.params.labels)
        && same(&one.params.root, &other.params.root)
}

struct Expansion<'a> {
    /// The recipe at hand.
    checked: &'a Checked,
    /// Where `$path` is looked up.
    values: Values<'a>,
    registry: &'a Registry,
    steps: Vec<Step>,
    /// For each step, the pipeline that it is from, if nothing in it is of one recipe alone.
    common: Vec<Option<&'a Arc<Pipeline>>>,
    /// Indices of the steps of a name and seed, of all recipes so far.
    known: BTreeMap<(&'a str, Option<u64>), Vec<usize>>,
    /// Indices of a definition's instances in the recipe at hand, in seed order.
    instances: BTreeMap<&'a str, Vec<usize>>,
    /// What kinds have said about values, by place: the steps of many models share a value.
    reported: BTreeSet<String>,
}

impl<'a> Expansion<'a> {
    /// The steps that a recipe needs.
    fn recipe(&mut self, checked: &'a Checked, problems: &mut Diagnostics) -> Vec<usize> {
        (self.checked, self.values) = (checked, checked.values());
        self.instances.clear();
        let definitions = checked.definitions();
        let needed = in_order(&definitions, [&*checked.target]);
        if let Some(step) = needed.iter().find(|step| step.each_seed && checked.seeds.list.is_empty()) {
            problems.push(checked.seeds.missing(&checked.scale, &step.name, &step.at));
            return Vec::new();
        }
        let mut steps = Vec::new();
        for definition in needed {
            steps.extend(self.add(definition, &checked.seeds.list, problems));
        }
        steps
    }

    /// Adds a step, with one instance for each of these seeds if it runs once for each. Gives the instances.
    fn add(
        &mut self,
        definition: &'a StepDefinition,
        seeds: &[PlacedSeed],
        problems: &mut Diagnostics,
    ) -> Vec<usize> {
        let seeds: Vec<Option<&PlacedSeed>> = match definition.each_seed {
            true => seeds.iter().map(Some).collect(),
            false => vec![None],
        };
        // The parameters of all seeds, where the seed is not among them.
        let mut shared = None;
        let add = |seed| self.instance(definition, seed, &mut shared, problems);
        let added: Vec<usize> = seeds.into_iter().filter_map(add).collect();
        self.instances.entry(&definition.name).or_default().extend(&added);
        added
    }

    /// Checks what no target needs: the steps of other models, for one seed, and those of templates that no model uses.
    /// `all` are the recipes of one pipeline.
    fn check_others(&mut self, all: &[&'a Checked], problems: &mut Diagnostics) {
        let Some(first) = all.first() else { return };
        self.checked = first;
        // What is not needed is right or wrong for all recipes alike.
        self.values = if all.len() == 1 { first.values() } else { first.common_values() };
        let seed = first.seeds.some(&first.scale);
        self.instances.clear();
        let mut known = BTreeSet::new();
        for checked in all {
            let definitions = checked.definitions();
            known.extend(
                in_order(&definitions, [&*checked.target]).into_iter().map(|step| step.name.as_str()),
            );
        }
        for ((name, _), indices) in self.known.iter().filter(|((name, _), _)| known.contains(name)) {
            self.instances.entry(name).or_default().extend(indices);
        }
        let definitions = first.definitions();
        let of_models =
            definitions.values().filter(|step| step.model.is_some()).map(|step| step.name.as_str());
        for definition in in_order(&definitions, of_models) {
            if !known.contains(definition.name.as_str()) {
                self.add(definition, std::slice::from_ref(&seed), problems);
            }
        }
        for alone in first.pipeline.alone().iter().flat_map(steps_alone) {
            self.check_alone(&alone, &seed, problems);
        }
    }

    /// Checks a step of a template that no model uses. Where a value that only a model would give is missing, the
    /// kind's schema is asked instead of the kind.
    fn check_alone(&mut self, alone: &AloneStep, seed: &PlacedSeed, problems: &mut Diagnostics) {
        let definition = &alone.step;
        let Some(kind) = self.registry.get(&definition.kind) else { return };
        let mut root = definition.params.clone();
        let before = problems.len();
        let stands_for = if definition.each_seed { Seed::Is(&seed.1) } else { Seed::None };
        Resolver::new(self.values, stands_for).resolve(&mut root, problems);
        if problems.len() > before {
            return;
        }
        let result = match alone.holes.is_empty() {
            true => {
                let seed = definition.each_seed.then_some(seed.0);
                let labels = labels_alone(definition, kind.inputs());
                let params = Params { root: Arc::new(root.clone()), seed, labels };
                checked(&**kind, definition, &params)
            }
            false => ParamError::all(misfits(&kind.parameters(), &root, &alone.holes)),
        };
        self.check(definition, result, &root, problems);
    }

    /// The index of a step's instance: a new one, or one that another recipe needs as well. `shared` has the parameters of
    /// the definition's other seeds, where they are the same for all.
    fn instance(
        &mut self,
        definition: &'a StepDefinition,
        seed: Option<&PlacedSeed>,
        shared: &mut Option<Arc<Located>>,
        problems: &mut Diagnostics,
    ) -> Option<usize> {
        let kind = self.registry.get(&definition.kind)?;
        let number = seed.map(|(seed, _)| *seed);
        let inputs: Vec<Input> = definition
            .inputs
            .iter()
            .map(|input| Input {
                name: input.name.clone(),
                steps: input.steps.iter().flat_map(|(step, _)| self.referenced(step, number)).collect(),
            })
            .collect();
        let pipeline = &self.checked.pipeline;
        let of_pipeline = definition.name != self.checked.target;
        let alike: Vec<usize> =
            self.known.get(&(definition.name.as_str(), number)).cloned().unwrap_or_default();
        let is_same = |index: &&usize| {
            let common = self.common[**index].is_some_and(|other| Arc::ptr_eq(other, pipeline));
            of_pipeline && common && self.steps[**index].inputs == inputs
        };
        if let Some(index) = alike.iter().find(is_same) {
            return Some(*index);
        }
        let mut found = Diagnostics::default();
        let checked_already = shared.is_some();
        let (root, of_recipe) = match shared {
            Some(root) => (Arc::clone(root), false),
            None => self.resolved(definition, seed, shared, &mut found),
        };
        let params = Params { root, seed: number, labels: self.labels(kind.inputs(), &inputs) };
        // Equal parameters are right or wrong alike, unless the kind reads labels as well.
        if found.is_empty() && !(checked_already && params.labels.is_empty()) {
            self.check(definition, checked(&**kind, definition, &params), &params.root, &mut found);
        }
        if !checked_already && !found.is_empty() {
            *shared = None;
        }
        found.iter().for_each(|diagnostic| problems.push(diagnostic.clone()));
        let step = Step {
            id: match number {
                Some(seed) => format!("{}[seed={seed}]", definition.name),
                None => definition.name.clone(),
            },
            name: definition.name.clone(),
            seed: number,
            label: definition.model.clone(),
            about: definition.about.clone(),
            at: definition.at.clone(),
            kind: kind.clone(),
            params,
            inputs,
        };
        if let Some(index) = alike.iter().find(|index| is_equal(&self.steps[**index], &step)) {
            return Some(*index);
        }
        let index = self.steps.len();
        self.steps.push(step);
        self.common.push((of_pipeline && !of_recipe).then_some(pipeline));
        self.known.entry((&definition.name, number)).or_default().push(index);
        Some(index)
    }

    /// A definition's parameters with references replaced, and whether they are the recipe's own. Those that are the same for
    /// all seeds and recipes become `shared`.
    fn resolved(
        &self,
        definition: &StepDefinition,
        seed: Option<&PlacedSeed>,
        shared: &mut Option<Arc<Located>>,
        problems: &mut Diagnostics,
    ) -> (Arc<Located>, bool) {
        let resolver = Resolver::new(self.values, seed.map_or(Seed::None, |(_, at)| Seed::Is(at)));
        let mut root = definition.params.clone();
        resolver.resolve(&mut root, problems);
        let has_content = self.add_recipe(definition, &mut root, problems);
        let of_recipe = has_content || resolver.used_shared(&self.checked.recipe.name);
        let root = Arc::new(root);
        if !resolver.used_seed() && !of_recipe {
            *shared = Some(Arc::clone(&root));
        }
        (root, of_recipe)
    }

    /// Gives the target the recipe's own content as one more parameter. Says whether there is any.
    fn add_recipe(
        &self,
        definition: &StepDefinition,
        root: &mut Located,
        problems: &mut Diagnostics,
    ) -> bool {
        let (recipe, content) = (&self.checked.recipe, &self.checked.content);
        if definition.name != self.checked.target || content.is_empty() {
            return false;
        }
        let content = Located { value: Value::Table(content.clone()), ..recipe.root.clone() };
        let Value::Table(params) = &mut root.value else { return false };
        if let Some(taken) = params.insert(RECIPE.to_owned(), content) {
            let message = format!("the parameter `{RECIPE}` is filled in from the recipe itself");
            problems.push(Diagnostic::user(message).at(place(&taken, &definition.at)).help("rename it"));
        }
        true
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

/// What a kind has to say of a step's parameters, and then of the inputs that they ask for.
fn checked(kind: &dyn StepKind, definition: &StepDefinition, params: &Params) -> Result<(), ParamError> {
    let connected = definition.inputs.iter().filter(|input| !input.steps.is_empty());
    let connected: Vec<&str> = connected.map(|input| input.name.as_str()).collect();
    kind.check(params).and_then(|()| kind.check_inputs(params, &connected))
}
