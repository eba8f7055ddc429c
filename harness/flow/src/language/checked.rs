//! A recipe, a scale and the pipeline, read, with every check but that of parameters by their step kinds.

use std::collections::BTreeMap;

use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::kind::Registry;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::graph::Expectation;
use crate::language::model::check_references;
use crate::language::pipeline::{Pipeline, Written, report_twice};
use crate::language::recipe::Recipe;
use crate::language::references::{Resolver, Seed, Shared, Values, join};
use crate::language::scale::Scale;
use crate::language::steps::{Definitions, StepDefinition, needed};
use crate::language::structure::check_structure;
use crate::language::table::{Source, table_step};
use crate::language::template::Template;
use crate::language::workspace::{Reader, Workspace};
use crate::values::names::likely;
use crate::values::value::{Located, Table, Value};

/// A recipe and a scale with the pipeline. Everything is checked but parameters, which step kinds check.
pub(crate) struct Checked {
    /// As it is written.
    pub(crate) recipe: Recipe,
    /// The recipe's own content, with references replaced.
    pub(crate) content: Table,
    pub(crate) scale: Scale,
    shared: Shared,
    pub(crate) steps: BTreeMap<String, StepDefinition>,
    /// The name of the step whose output is wanted.
    pub(crate) target: String,
    /// Templates that neither a model nor another template uses.
    pub(crate) alone: Vec<Template>,
    pub(crate) expect: Option<Expectation>,
    pub(crate) files: Vec<(Utf8PathBuf, Hash)>,
}

impl Checked {
    /// Reads and checks everything but parameters.
    pub(crate) fn read(
        workspace: &Workspace,
        recipe: &str,
        scale: &str,
        sets: &[String],
        registry: &Registry,
    ) -> Result<Self, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut reader = Reader::new(workspace);
        let recipe = reader.recipe(recipe, &mut problems);
        let mut written = Written::read(&mut reader, &mut problems);
        recipe.iter().for_each(|recipe| written.add(&recipe.steps));
        let clean = problems.is_empty();
        let pipeline = clean.then(|| written.check(registry, &mut problems));
        let scale =
            reader.open_named("scale", "recipes/scale", scale, &mut problems).and_then(|(file, mut root)| {
                if let Some(criteria) = reader.criteria(scale, &mut problems) {
                    join(&mut root, criteria, &mut problems);
                }
                Scale::read(scale, &file, root, sets, &mut problems)
            });
        let mut shared = reader.shared(&mut problems);
        if let Some(recipe) = &recipe
            && let Some(criteria) = reader.criteria(&recipe.name, &mut problems)
        {
            shared.add(&recipe.name, criteria, &mut problems);
        }
        let expect = recipe.as_ref().and_then(|recipe| read_expectation(&mut reader, recipe, &mut problems));
        let (Some(recipe), Some(scale), Some(pipeline)) = (recipe, scale, pipeline) else {
            return Err(problems);
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        let values = Values { scale: &scale, shared: &shared };
        check_references(&pipeline.models, &pipeline.templates, &values, &mut problems);
        let content = resolved_content(&recipe, values, &mut problems);
        let alone = pipeline.alone();
        let Some((target, steps)) = add_target(&recipe, &content, pipeline, registry, &mut problems) else {
            return Err(problems);
        };
        let files = reader.into_files();
        let checked = Self { recipe, content, scale, shared, steps, target, alone, expect, files };
        checked.check_target(&mut problems);
        problems.or_ok(checked)
    }

    /// Where `$path` is looked up.
    pub(crate) fn values(&self) -> Values<'_> {
        Values { scale: &self.scale, shared: &self.shared }
    }

    /// All steps, by name.
    pub(crate) fn definitions(&self) -> Definitions<'_> {
        self.steps.iter().map(|(name, step)| (name.as_str(), step)).collect()
    }

    /// Reports a target that is several, and steps of the recipe that it does not need.
    fn check_target(&self, problems: &mut Diagnostics) {
        let target = &self.steps[&self.target];
        if target.each_seed {
            let message =
                format!("the target `{}` is one for each seed; a recipe wants one output", target.name);
            let help = "add a step that takes all of them, and make it the target";
            let at = self.recipe.target_at.as_ref().unwrap_or(&target.at);
            problems.push(Diagnostic::user(message).at(at).note(&target.at, "here").help(help));
        }
        let needed = needed(&self.definitions(), [&*self.target]);
        for definition in self.recipe.steps.iter().filter(|step| !needed.contains(step.name.as_str())) {
            let message = format!("step `{}` is not needed by the target `{}`", definition.name, target.name);
            problems.push(Diagnostic::user(message).at(&definition.at).help("remove it, or connect it"));
        }
    }
}

/// The recipe's content with references replaced.
fn resolved_content(recipe: &Recipe, values: Values<'_>, problems: &mut Diagnostics) -> Table {
    let mut content = Located { value: Value::Table(recipe.content.clone()), ..recipe.root.clone() };
    Resolver::new(values, Seed::None).resolve(&mut content, problems);
    match content.value {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// The target's name, and all steps with the target among them, made by the rule for tables where the recipe
/// does not name it.
fn add_target(
    recipe: &Recipe,
    content: &Table,
    mut pipeline: Pipeline,
    registry: &Registry,
    problems: &mut Diagnostics,
) -> Option<(String, BTreeMap<String, StepDefinition>)> {
    let target = match (&recipe.target, &recipe.target_at) {
        (Some(target), Some(at)) => {
            if !pipeline.steps.contains_key(target) {
                let help = likely(target, pipeline.steps.keys().map(String::as_str));
                problems.push(Diagnostic::user(format!("unknown step `{target}`")).at(at).maybe_help(help));
                return None;
            }
            target.clone()
        }
        _ => {
            let Pipeline { templates, models, table, .. } = &pipeline;
            let source = Source { rule: table.as_ref(), templates, models };
            let step = table_step(recipe, content, source, problems)?;
            if let Some(first) = pipeline.steps.get(&step.name) {
                report_twice("step", &step.name, (&step.at, &first.at), problems);
                return None;
            }
            let name = step.name.clone();
            pipeline.steps.insert(name.clone(), step);
            let all: Definitions<'_> = pipeline.steps.iter().map(|(n, step)| (n.as_str(), step)).collect();
            check_structure([&pipeline.steps[&name]], &all, None, registry, problems);
            name
        }
    };
    Some((target, pipeline.steps))
}

fn read_expectation(
    reader: &mut Reader<'_>,
    recipe: &Recipe,
    problems: &mut Diagnostics,
) -> Option<Expectation> {
    let (expect, (lock_at, entry_at)) = recipe.expect.as_ref().zip(recipe.expect_at.as_ref())?;
    let lock = match reader.lock(&expect.lock) {
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
