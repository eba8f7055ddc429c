//! `assay check` of several recipes: one plan, one run, then each report against its baseline.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_flow::{Diagnostic, FlowError, JoinedOutcome};

use super::baseline::Baseline;
use super::compared::Limits;
use super::confirm::Again;
use super::finished::Finished;
use super::overall::{Accepted, Checked, Checks, Ending, LeftOut, markdown, text};
use super::{ACCEPT, append, github, junit, print_accepted, rewritten, settled};
use crate::args::{CheckArgs, Global, Target};
use crate::display::Display;
use crate::failure::Failure;
use crate::process::stop_on_signals;
use crate::recipes::tables;
use crate::session::{self, Joint, Reach};
use crate::{document, outputs, several, stdio};

/// Checks the recipes that were asked for. The worst of what is found decides how the command ends.
pub(super) fn check(global: &Global, args: &CheckArgs) -> Result<(), Failure> {
    if args.baseline.is_some() {
        return Err(Diagnostic::user("--baseline names the report of one recipe")
            .help("name one recipe, or leave --baseline out")
            .into());
    }
    let display = Arc::new(if args.quiet { Display::quiet() } else { Display::new(false) });
    let (recipes, left_out) = chosen(global, args)?;
    let shown = Arc::clone(&display);
    let joint = Joint::open(global, &recipes, &args.targets, Reach::of(&args.machine)?, move |event| {
        shown.setup(&event)
    })?;
    let baselines = Baseline::of_all(&joint)?;
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let outcome = several::carry_out(&joint, &args.machine, &display, &cancel, false, &mut |_, _| {})?;
    let ran = Ran::new(&joint, baselines, outcome)?;
    let all = All { global, args, display: &display, cancel: &cancel };
    let mut checks = Checks::new(&joint.graph.scale().name, all.checked(&joint, &ran)?, left_out);
    if args.accept {
        checks.accepted = accept(&ran)?;
    }
    print(global, args, &checks)?;
    ended(&checks, ran)
}

/// The recipes to check. `--all` leaves out those of printed values only and those without a committed report.
fn chosen(global: &Global, args: &CheckArgs) -> Result<(Vec<String>, LeftOut), Failure> {
    if !args.targets.all {
        return Ok((args.targets.recipes.clone(), LeftOut::default()));
    }
    let workspace = session::workspace(global)?;
    let scale = &args.targets.scale;
    let found = tables(&workspace, scale)?;
    let reported = |recipe: &String| Baseline::committed(workspace.root(), scale, recipe).is_file();
    let (recipes, without_report): (Vec<String>, Vec<String>) = found.to_run.into_iter().partition(reported);
    if recipes.is_empty() {
        let folder = workspace.root().join("reports").join(scale);
        return Err(Diagnostic::user(format!("no recipe has a report in {folder}"))
            .help(format!("`assay run --all --scale {scale}` writes reports to commit"))
            .into());
    }
    Ok((recipes, LeftOut { printed_only: found.printed_only, without_report }))
}

/// What a run of several recipes came to.
struct Ran {
    run: assay_store::RunId,
    /// Each recipe with its baseline, or why its run is not finished.
    recipes: Vec<Result<Finished, String>>,
    /// Steps that failed.
    failures: Vec<assay_flow::StepFailure>,
    /// Steps that could not run because of these.
    skipped: Vec<String>,
}

impl Ran {
    fn new(joint: &Joint, baselines: Vec<Baseline>, outcome: JoinedOutcome) -> Result<Self, Failure> {
        let JoinedOutcome { run, recipes, failures, .. } = outcome;
        let mut ran = Self { run, recipes: Vec::new(), failures, skipped: Vec::new() };
        for (at, (baseline, outcome)) in baselines.into_iter().zip(recipes).enumerate() {
            ran.recipes.push(match outcome {
                Ok(outcome) => Ok(Finished::new(joint.session(at)?, outcome, baseline)?),
                Err(FlowError::Failed { failures, skipped, .. }) => {
                    ran.skipped.extend(skipped);
                    let said = failures
                        .iter()
                        .map(|failure| format!("step {} failed: {}", failure.step, failure.message));
                    Err(said.collect::<Vec<_>>().join("; "))
                }
                Err(other) => return Err(other.into()),
            });
        }
        Ok(ran)
    }
}

/// What all checks have in common.
struct All<'a> {
    global: &'a Global,
    args: &'a CheckArgs,
    display: &'a Arc<Display>,
    cancel: &'a AtomicBool,
}

impl All<'_> {
    /// The check of each recipe. The adjustment of each counts the tests of all, so that the level is that of the command.
    fn checked(&self, joint: &Joint, ran: &Ran) -> Result<Vec<Checked>, Failure> {
        let limits = Limits { alpha: self.args.alpha, min_effect: self.args.min_effect, others: 0 };
        let tests = |finished: &Result<Finished, String>| {
            finished.as_ref().map_or(0, |finished| finished.tests(limits))
        };
        let tests: Vec<usize> = ran.recipes.iter().map(tests).collect();
        let all: usize = tests.iter().sum();
        let mut checked = Vec::new();
        for ((recipe, finished), own) in joint.graph.recipes().zip(&ran.recipes).zip(tests) {
            let limits = Limits { others: all - own, ..limits };
            checked.push(match finished {
                Ok(finished) => {
                    let check = self.check(&recipe.name, finished, limits)?;
                    Checked::new(check)
                }
                Err(problem) => Checked::not_finished(&recipe.name, problem),
            });
        }
        Ok(checked)
    }

    fn check(&self, recipe: &str, finished: &Finished, limits: Limits) -> Result<super::Check, Failure> {
        let Self { global, args, display, cancel } = *self;
        let (scale, sets) = (args.targets.scale.clone(), args.targets.sets.clone());
        let target = Target { recipe: recipe.to_owned(), scale, sets };
        let again = Again { global, machine: &args.machine, target: &target, display, cancel };
        settled(finished, limits, args.confirm.then_some(&again))
    }
}

/// Takes the reports of all recipes that are finished as baselines. Those that this changes are returned.
fn accept(ran: &Ran) -> Result<Vec<Accepted>, Failure> {
    let mut accepted = Vec::new();
    for finished in ran.recipes.iter().flatten() {
        let (differences, changed) = finished.accept()?;
        if !changed.is_empty() {
            accepted.push(Accepted { recipe: finished.now.id.clone(), differences, changed });
        }
    }
    Ok(accepted)
}

/// Writes and prints everything that the user asked for.
fn print(global: &Global, args: &CheckArgs, checks: &Checks) -> Result<(), Failure> {
    if let Some(path) = &args.junit {
        outputs::write(path, junit::of_several(checks).as_bytes())?;
    }
    if global.json {
        return document::print_whole(checks);
    }
    let mut out = stdio::out();
    text(checks, args.quiet).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    if args.github {
        let (all, unfinished) = (checks.checks(), checks.unfinished());
        let lines = github::annotations(&all.collect::<Vec<_>>()).into_iter();
        let lines = unfinished.map(|(recipe, problem)| github::failed(recipe, problem)).chain(lines);
        lines.into_iter().try_for_each(|line| writeln!(out, "{line}"))?;
        args.step_summary.as_deref().map_or(Ok(()), |path| append(path, &markdown(checks)))?;
    }
    checks.accepted.iter().try_for_each(|accepted| print_accepted(&accepted.differences, &accepted.changed))
}

/// How the command ends: with the worst of what was found.
fn ended(checks: &Checks, ran: Ran) -> Result<(), Failure> {
    let Ran { run, failures, skipped, .. } = ran;
    // Recipes that are not finished have no new baseline, which nobody should take for accepted.
    if !checks.accepted.is_empty() && failures.is_empty() {
        let recipes: Vec<&str> = checks.accepted.iter().map(|accepted| accepted.recipe.as_str()).collect();
        return Err(rewritten(&format!("the baselines of {} were", recipes.join(", "))));
    }
    let of = |ending: Ending| checks.of(ending).collect::<Vec<_>>().join(", ");
    if checks.regression && checks.accepted.is_empty() {
        return Err(Failure::Regressed {
            message: format!("cells or claims are worse than in the baseline, or missing: {}", of(Ending::Regressed)),
            help: "undo what the first steps that differ changed; if it is meant, `assay check --accept` takes the reports of \
                   this run as baselines"
                .to_owned(),
        });
    }
    if !failures.is_empty() {
        return Err(FlowError::Failed { run, failures, skipped }.into());
    }
    if checks.of(Ending::NotComparable).next().is_some() {
        let message = format!("nothing can be compared with the baseline of {}", of(Ending::NotComparable));
        return Err(Diagnostic::user(message).help(ACCEPT).into());
    }
    Ok(())
}
