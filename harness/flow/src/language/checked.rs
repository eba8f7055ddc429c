//! Recipes, a scale and the pipeline, read, with every check but that of parameters by their step kinds.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::kind::Registry;
use crate::language::absent::leave_out;
use crate::language::arguments::check_references;
use crate::language::criteria::unused;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::graph::Expectation;
use crate::language::locate::{Part, diagnose};
use crate::language::pipeline::{Pipeline, Written, report_twice};
use crate::language::recipe::Recipe;
use crate::language::recipe_seeds::Seeds;
use crate::language::references::{CRITERIA, Resolver, Seed, Shared, Values, join};
use crate::language::scale::{EXTENDS, Scale, TITLE, extends};
use crate::language::sets::Sets;
use crate::language::steps::{Definitions, StepDefinition, needed};
use crate::language::structure::check_structure;
use crate::language::table::{Source, table_step};
use crate::language::workspace::{Reader, Workspace};
use crate::values::location::Location;
use crate::values::names::{likely, quoted};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// A recipe and a scale with the pipeline. Everything is checked but parameters, which step kinds check.
pub(crate) struct Checked {
    /// As it is written.
    pub(crate) recipe: Recipe,
    /// The recipe's own content, with references replaced.
    pub(crate) content: Table,
    pub(crate) scale: Arc<Scale>,
    /// What its steps that run once per seed run for.
    pub(crate) seeds: Seeds,
    /// The values that all recipes share.
    common: Arc<Shared>,
    /// The same with what was fixed beforehand for this recipe.
    shared: Arc<Shared>,
    /// What the recipe shares with others, or its own where it adds steps to it.
    pub(crate) pipeline: Arc<Pipeline>,
    /// The step that makes its table, where the recipe names no target.
    table: Option<StepDefinition>,
    /// The name of the step whose output is wanted.
    pub(crate) target: String,
    pub(crate) expect: Option<Expectation>,
    pub(crate) files: Vec<(Utf8PathBuf, Hash)>,
}

/// A recipe's files, as far as they could be read.
struct Read {
    recipe: Recipe,
    criteria: Option<Located>,
    expect: Option<Expectation>,
    files: Vec<(Utf8PathBuf, Hash)>,
}

impl Checked {
    /// Reads and checks everything but parameters, of one recipe or of several. What they share is read once.
    pub(crate) fn read(
        workspace: &Workspace,
        recipes: &[String],
        scale: &str,
        sets: &[String],
        registry: &Registry,
    ) -> Result<Vec<Self>, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut readers: Vec<(Reader<'_>, Option<Recipe>)> = Vec::new();
        for name in recipes {
            let mut reader = Reader::new(workspace);
            let recipe = reader.recipe(name, &mut problems);
            readers.push((reader, recipe));
        }
        twice(readers.iter().filter_map(|(_, recipe)| recipe.as_ref()), &mut problems);
        let mut reader = Reader::new(workspace);
        let mut sets = Sets::new(sets, &mut problems);
        let scale = read_scale(&mut reader, scale, &mut sets, &mut problems);
        for recipe in readers.iter().filter_map(|(_, recipe)| recipe.as_ref()) {
            scale.iter().for_each(|scale| expect_scale(recipe, scale, &mut problems));
        }
        let written = Written::read(&mut reader, scale.as_ref(), &mut problems);
        let clean = problems.is_empty();
        let pipelines = clean.then(|| pipelines(written, &readers, registry, &mut problems));
        let mut common = reader.shared(&mut problems);
        common.root.iter_mut().for_each(|root| sets.apply(root, &mut problems));
        let read = read_rest(readers, &mut sets, &mut problems);
        if let Some(scale) = &scale {
            let criteria = read.iter().flatten().filter_map(|read| read.criteria.as_ref());
            let roots: Vec<&Located> =
                [scale.root()].into_iter().chain(&common.root).chain(criteria).collect();
            sets.report_unknown(&roots, &mut problems);
        }
        let (Some(scale), Some(pipelines), true) = (scale, pipelines, problems.is_empty()) else {
            return Err(problems);
        };
        let (scale, common, files) = (Arc::new(scale), Arc::new(common), reader.into_files());
        let mut all = Vec::with_capacity(recipes.len());
        for (read, pipeline) in read.into_iter().flatten().zip(pipelines) {
            all.extend(Self::put_together(
                read,
                pipeline,
                (&scale, &common),
                &files,
                registry,
                &mut problems,
            ));
        }
        problems.or_ok(all)
    }

    /// A recipe with what it shares with others.
    fn put_together(
        read: Read,
        pipeline: Arc<Pipeline>,
        (scale, common): (&Arc<Scale>, &Arc<Shared>),
        files: &[(Utf8PathBuf, Hash)],
        registry: &Registry,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let Read { mut recipe, criteria, expect, files: own } = read;
        let mut shared = Shared { recipe: Some(recipe.name.clone()), ..Shared::clone(common) };
        if let Some(criteria) = criteria {
            let before = problems.len();
            unused(&recipe, &criteria, problems);
            shared.add(&recipe.name, criteria, problems);
            if problems.len() > before {
                return None;
            }
        }
        let shared = Arc::new(shared);
        let values = Values { scale, shared: &shared };
        check_references(&pipeline.models, &pipeline.templates, &values, problems);
        let mut content = resolved_content(&recipe, values, problems);
        if recipe.target.is_none() {
            recipe.absent = leave_out(&mut content, &pipeline.absent);
        }
        let seeds = Seeds::of(&recipe, values, problems);
        let (target, table) = find_target(&recipe, &content, &pipeline, registry, problems)?;
        let (scale, common) = (Arc::clone(scale), Arc::clone(common));
        let files = own.into_iter().chain(files.iter().cloned()).collect();
        let checked =
            Self { recipe, content, scale, seeds, common, shared, pipeline, table, target, expect, files };
        checked.check_target(problems);
        Some(checked)
    }

    /// Where `$path` is looked up.
    pub(crate) fn values(&self) -> Values<'_> {
        Values { scale: &self.scale, shared: &self.shared }
    }

    /// The same without what was fixed beforehand for this recipe.
    pub(crate) fn common_values(&self) -> Values<'_> {
        Values { scale: &self.scale, shared: &self.common }
    }

    /// All steps, by name.
    pub(crate) fn definitions(&self) -> Definitions<'_> {
        self.pipeline.steps.values().chain(&self.table).map(|step| (step.name.as_str(), step)).collect()
    }

    /// Reports a target that is several, and steps of the recipe that it does not need.
    fn check_target(&self, problems: &mut Diagnostics) {
        let definitions = self.definitions();
        let target = definitions[&*self.target];
        if target.each_seed {
            let message =
                format!("the target `{}` is one for each seed; a recipe wants one output", target.name);
            let help = "add a step that takes all of them, and make it the target";
            let at = self.recipe.target_at.as_ref().unwrap_or(&target.at);
            problems.push(Diagnostic::user(message).at(at).note(&target.at, "here").help(help));
        }
        if self.recipe.steps.is_empty() {
            return;
        }
        let needed = needed(&definitions, [&*self.target]);
        for definition in self.recipe.steps.iter().filter(|step| !needed.contains(step.name.as_str())) {
            let message = format!("step `{}` is not needed by the target `{}`", definition.name, target.name);
            problems.push(Diagnostic::user(message).at(&definition.at).help("remove it, or connect it"));
        }
    }
}

/// A scale with what was fixed beforehand for it, and with the values that arguments replace.
pub(crate) fn read_scale(
    reader: &mut Reader<'_>,
    name: &str,
    sets: &mut Sets<'_>,
    problems: &mut Diagnostics,
) -> Option<Scale> {
    let (file, mut root) = read_values(reader, (name, None), &mut Vec::new(), problems)?;
    sets.apply(&mut root, problems);
    let scale = Scale::read(name, &file, root, sets.all(), problems)?;
    if let Ok(known) = reader.recipes() {
        scale.expect_recipes(&known, problems);
    }
    Some(scale)
}

/// The file of a scale and its values: its own, those that were fixed beforehand for it, and those of the scale that it
/// extends, as far as it has none of the same name. `extended` are the scales that led to this one.
fn read_values(
    reader: &mut Reader<'_>,
    (name, at): (&str, Option<&Location>),
    extended: &mut Vec<String>,
    problems: &mut Diagnostics,
) -> Option<(Utf8PathBuf, Located)> {
    let (file, mut root) = reader.open_named("scale", "recipes/scale", name, at, problems)?;
    if let Some(criteria) = reader.criteria(name, problems) {
        join(&mut root, criteria, problems);
    }
    extended.push(name.to_owned());
    if let Some(base) = extends(&root, extended, problems) {
        let at = root.at(EXTENDS).and_then(|at| at.origin.location()).cloned();
        let (_, values) = read_values(reader, (&base, at.as_ref()), extended, problems)?;
        if let (Value::Table(own), Value::Table(values)) = (&mut root.value, values.value) {
            for (key, value) in values.into_iter().filter(|(key, _)| key != TITLE) {
                if let Some(own) = own.get(&key) {
                    report_overridden(&key, own, &value, problems);
                }
                own.entry(key).or_insert(value);
            }
        }
    }
    Some((file, root))
}

/// Reports a value that was fixed beforehand for a scale, and that a scale which extends it has otherwise.
fn report_overridden(key: &str, own: &Located, fixed: &Located, problems: &mut Diagnostics) {
    let Some(at) = fixed.origin.location().filter(|at| at.file.starts_with(CRITERIA)) else { return };
    let message = format!("`{key}` was fixed beforehand for the scale that this one extends");
    let diagnostic = diagnose(own, &ValuePath::default(), Part::Key, message, None);
    problems.push(
        diagnostic.note(at, "it is fixed here").help("leave it out, or extend no scale with such criteria"),
    );
}

/// Reports a recipe that is for other scales, or a scale that is for other recipes.
fn expect_scale(recipe: &Recipe, scale: &Scale, problems: &mut Diagnostics) {
    if !recipe.is_for(&scale.name) {
        let scales: Vec<&str> = recipe.scales.iter().map(String::as_str).collect();
        let scales = quoted(&scales, " and ");
        let message = format!("recipe `{}` is for {scales}, not for the scale `{}`", recipe.name, scale.name);
        let at = recipe.scales_at.as_ref().unwrap_or(recipe.start());
        problems.push(Diagnostic::user(message).at(at).help(format!("add `--scale {}`", recipe.scales[0])));
    } else if let Some((at, recipes)) = scale.recipes().filter(|_| !scale.is_for(&recipe.name)) {
        let recipes: Vec<&str> = recipes.iter().map(String::as_str).collect();
        let message = format!("the scale `{}` is not for the recipe `{}`", scale.name, recipe.name);
        let help = format!("it is for {}", quoted(&recipes, " and "));
        problems.push(Diagnostic::user(message).at(at).help(help));
    }
}

/// Reports recipes that are named more than once.
fn twice<'r>(recipes: impl Iterator<Item = &'r Recipe>, problems: &mut Diagnostics) {
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for recipe in recipes {
        let count = met.entry(&recipe.name).or_default();
        *count += 1;
        if *count == 2 {
            let message = format!("recipe `{}` is named twice", recipe.name);
            problems.push(Diagnostic::user(message).help("name each recipe once"));
        }
    }
}

/// The pipeline of each recipe: one that all share, but for those that add steps to it.
fn pipelines(
    written: Written,
    readers: &[(Reader<'_>, Option<Recipe>)],
    registry: &Registry,
    problems: &mut Diagnostics,
) -> Vec<Arc<Pipeline>> {
    let mut shared: Option<Arc<Pipeline>> = None;
    let mut pipelines = Vec::with_capacity(readers.len());
    for recipe in readers.iter().filter_map(|(_, recipe)| recipe.as_ref()) {
        pipelines.push(match recipe.steps.is_empty() {
            true => {
                Arc::clone(shared.get_or_insert_with(|| Arc::new(written.clone().check(registry, problems))))
            }
            false => {
                let mut written = written.clone();
                written.add(&recipe.steps);
                Arc::new(written.check(registry, problems))
            }
        });
    }
    pipelines
}

/// What stands beside each recipe: what was fixed beforehand, and the lock of what comes out.
fn read_rest(
    readers: Vec<(Reader<'_>, Option<Recipe>)>,
    sets: &mut Sets<'_>,
    problems: &mut Diagnostics,
) -> Vec<Option<Read>> {
    let mut all = Vec::with_capacity(readers.len());
    for (mut reader, recipe) in readers {
        let Some(recipe) = recipe else {
            all.push(None);
            continue;
        };
        let mut criteria = reader.criteria(&recipe.name, problems);
        if let Some(criteria) = &mut criteria {
            sets.apply_below(&recipe.name, criteria, problems);
        }
        let expect = read_expectation(&mut reader, &recipe, problems);
        all.push(Some(Read { recipe, criteria, expect, files: reader.into_files() }));
    }
    all
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

/// The target's name, and its definition where it is made by the rule for tables, since the recipe does not name it.
fn find_target(
    recipe: &Recipe,
    content: &Table,
    pipeline: &Pipeline,
    registry: &Registry,
    problems: &mut Diagnostics,
) -> Option<(String, Option<StepDefinition>)> {
    if let (Some(target), Some(at)) = (&recipe.target, &recipe.target_at) {
        if !pipeline.steps.contains_key(target) {
            let help = likely(target, pipeline.steps.keys().map(String::as_str));
            problems.push(Diagnostic::user(format!("unknown step `{target}`")).at(at).maybe_help(help));
            return None;
        }
        return Some((target.clone(), None));
    }
    let Pipeline { templates, models, table, .. } = pipeline;
    let source = Source { rule: table.as_ref(), templates, models };
    let step = table_step(recipe, content, source, problems)?;
    if let Some(first) = pipeline.steps.get(&step.name) {
        report_twice("step", &step.name, (&step.at, &first.at), problems);
        return None;
    }
    let all: Definitions<'_> =
        pipeline.steps.values().chain([&step]).map(|step| (step.name.as_str(), step)).collect();
    check_structure([&step], &all, None, registry, problems);
    Some((step.name.clone(), Some(step)))
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
