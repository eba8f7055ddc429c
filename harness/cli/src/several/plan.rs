//! The plan of several recipes.

use assay_flow::{AbsentRow, Diagnostic, Plan, State, plan_joined};
use serde::Serialize;

use super::chosen;
use crate::args::{Global, PlanArgs};
use crate::document;
use crate::failure::Failure;
use crate::plan::work::Work;
use crate::plan::{print_entries, summary};
use crate::session::{Joint, Reach};
use crate::stdio;

/// The part of a recipe in a plan of several.
#[derive(Serialize)]
struct Part<'a> {
    recipe: &'a str,
    steps: usize,
    cached: usize,
    run: usize,
    waits: usize,
    /// Where its steps stand in the list of all steps, counted from 0.
    indices: &'a [usize],
}

/// Prints what a run of several recipes would do.
pub(crate) fn plan(global: &Global, args: &PlanArgs) -> Result<(), Failure> {
    if args.expand {
        return Err(Diagnostic::user("--expand prints the steps of one recipe")
            .help("name one, as in `assay plan table-05 --expand`")
            .into());
    }
    let (recipes, _) = chosen(global, &args.targets)?;
    let joint = Joint::open(global, &recipes, &args.targets, Reach::nothing()?, |_| {})?;
    let plan = plan_joined(&joint.graph, &joint.store, &joint.facts)?;
    let parts: Vec<Part<'_>> = joint
        .graph
        .recipes()
        .enumerate()
        .map(|(at, recipe)| part(&plan, &recipe.name, joint.graph.steps_of(at)))
        .collect();
    let absent: Vec<AbsentRow> = joint.graph.recipes().flat_map(|recipe| recipe.absent.clone()).collect();
    let work = Work::of(joint.graph.scale(), joint.graph.steps(), plan.entries());
    if global.json {
        let work = work.document(&absent);
        return document::print(
            &serde_json::json!({ "recipes": parts, "steps": plan.entries(), "work": work }),
        );
    }
    let mut out = stdio::out();
    print_entries(&mut out, plan.entries())?;
    writeln!(out)?;
    let width = parts.iter().map(|part| part.recipe.len()).max().unwrap_or_default();
    for part in &parts {
        let Part { recipe, steps, cached, run, waits, .. } = part;
        writeln!(out, "{recipe:width$}  {steps:>6} steps: {cached} cached, {run} to run, {waits} waiting")?;
    }
    let shared = joint.graph.users().iter().filter(|users| **users > 1).count();
    writeln!(out, "{}; {shared} are shared by several tables", summary(&plan))?;
    write!(out, "{}", work.text(&absent))
}

fn part<'a>(plan: &Plan, recipe: &'a str, indices: &'a [usize]) -> Part<'a> {
    let count = |state: State| indices.iter().filter(|index| plan.entries()[**index].state == state).count();
    let [cached, run, waits] = [State::Cached, State::Run, State::Waits].map(count);
    Part { recipe, steps: indices.len(), cached, run, waits, indices }
}
