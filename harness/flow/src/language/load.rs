//! From a workspace to a checked graph.

use std::collections::BTreeMap;

use crate::kind::Registry;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::expand::expand;
use crate::language::graph::{Expectation, Graph};
use crate::language::recipe::Recipe;
use crate::language::scale::Scale;
use crate::language::steps::{StepDefinition, read_pipeline};
use crate::language::structure::check_structure;
use crate::language::workspace::{Reader, Workspace};

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
    let mut reader = Reader::new(workspace);
    let recipe = reader
        .open_named("recipe", "recipes", recipe, &mut problems)
        .and_then(|(file, root)| Recipe::read(recipe, &file, root, &mut problems));
    let definitions = read_definitions(&mut reader, recipe.as_ref(), &mut problems);
    if problems.is_empty() {
        check_structure(&definitions, registry, &mut problems);
    }
    let scale = reader
        .open_named("scale", "recipes/scale", scale, &mut problems)
        .and_then(|(file, root)| Scale::read(scale, &file, root, sets, &mut problems));
    let expect = recipe.as_ref().and_then(|recipe| read_expectation(&mut reader, recipe, &mut problems));
    match (recipe, scale) {
        (Some(recipe), Some(scale)) if problems.is_empty() => {
            let steps = expand(&definitions, &recipe, &scale, registry, &mut problems);
            let target = steps.len().saturating_sub(1);
            problems.or_ok(Graph { recipe, scale, expect, files: reader.into_files(), steps, target })
        }
        _ => Err(problems),
    }
}

/// The pipeline's steps and the recipe's own, by name. A name that is defined twice is reported.
fn read_definitions(
    reader: &mut Reader<'_>,
    recipe: Option<&Recipe>,
    problems: &mut Diagnostics,
) -> BTreeMap<String, StepDefinition> {
    let mut all = Vec::new();
    match reader.pipeline() {
        Ok(files) => {
            for file in files {
                if let Some(root) = reader.open(&file, problems) {
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
