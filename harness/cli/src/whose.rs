//! Which recipe a step is meant of, where none was named.

use std::collections::BTreeSet;

use assay_flow::{Diagnostic, Recipe, Workspace, recipes_for};
use assay_sandbox::SetupEvent;

use crate::args::{Global, OfStep, Targets};
use crate::failure::Failure;
use crate::session::{self, Joint, Reach, Session};

/// Names of recipes that an error lists.
const NAMED: usize = 8;

/// The recipe that was named, or the one that has this step. Where several have it, it is the one whose steps of this name
/// are those of all others too.
pub(crate) fn open(
    global: &Global,
    step: &str,
    given: &OfStep,
    reach: Reach,
    setup_progress: impl Fn(SetupEvent) + Send + Sync + 'static,
) -> Result<Session, Failure> {
    if let Some(target) = given.target() {
        return Session::open(global, &target, reach, setup_progress);
    }
    let recipes = with_steps(&session::workspace(global)?, &given.scale)?;
    let targets =
        Targets { recipes: Vec::new(), all: true, scale: given.scale.clone(), sets: given.sets.clone() };
    let joint = Joint::open(global, &recipes, &targets, reach, setup_progress)?;
    let mut having: Vec<(usize, BTreeSet<usize>)> = Vec::new();
    for at in 0..recipes.len() {
        let found = found(&joint, at, step);
        if !found.is_empty() {
            having.push((at, found));
        }
    }
    let most = having.iter().map(|(_, steps)| steps.len()).max();
    let widest = having.iter().find(|(_, steps)| Some(steps.len()) == most);
    match widest {
        Some((at, all)) if having.iter().all(|(_, steps)| steps.is_subset(all)) => joint.session(*at),
        Some(_) => Err(ambiguous(&recipes, &having, given, step).into()),
        None => Err(nowhere(&joint, recipes.len(), given, step).into()),
    }
}

/// The recipes of a scale that have something to run; those of printed values only have not.
pub(crate) fn with_steps(workspace: &Workspace, scale: &str) -> Result<Vec<String>, Failure> {
    let recipes = recipes_for(workspace, scale)?;
    Ok(recipes.into_iter().filter(Recipe::has_steps).map(|recipe| recipe.name).collect())
}

/// The steps that a recipe has under this name, as indices of all steps.
fn found(joint: &Joint, recipe: usize, step: &str) -> BTreeSet<usize> {
    let Some(graph) = joint.graph.graph(recipe) else { return BTreeSet::new() };
    let Ok(found) = graph.find(step) else { return BTreeSet::new() };
    let ids: BTreeSet<&String> = found.into_iter().map(|step| &step.id).collect();
    let places = joint.graph.steps_of(recipe).iter().zip(graph.steps());
    places.filter(|(_, step)| ids.contains(&step.id)).map(|(index, _)| *index).collect()
}

fn ambiguous(
    recipes: &[String],
    having: &[(usize, BTreeSet<usize>)],
    given: &OfStep,
    step: &str,
) -> Diagnostic {
    let one = |(at, steps): &(usize, BTreeSet<usize>)| {
        let plural = if steps.len() == 1 { "" } else { "s" };
        format!("{} ({} step{plural})", recipes[*at], steps.len())
    };
    let mut named: Vec<String> = having.iter().take(NAMED).map(one).collect();
    if let Some(more @ 1..) = having.len().checked_sub(NAMED) {
        named.push(format!("{more} more"));
    }
    let first = having.first().map_or("", |(at, _)| &recipes[*at]);
    Diagnostic::user(format!(
        "`{step}` means other steps in one recipe than in another: {}",
        named.join(", ")
    ))
    .help(format!("name the recipe, as in `{}`, or the step more exactly", given.example(step, first)))
}

/// The error that no recipe has such a step, with names of steps that are likely meant.
fn nowhere(joint: &Joint, recipes: usize, given: &OfStep, step: &str) -> Diagnostic {
    let names = joint.graph.steps().iter().flat_map(|known| [known.id.as_str(), known.name.as_str()]);
    let parts =
        joint.graph.steps().iter().filter_map(|known| known.name.rsplit_once('.').map(|(_, part)| part));
    // The bare name is the better suggestion unless a seed was asked for.
    let known = names.chain(parts).filter(|known| step.contains('[') || !known.contains('['));
    let known: BTreeSet<&str> = known.collect();
    let message = format!("none of the {recipes} recipes of the scale `{}` has a step `{step}`", given.scale);
    Diagnostic { message, ..Diagnostic::unknown("step", step, known) }
}
