//! `assay run` and `assay plan` of several recipes at once.

mod plan;
mod summary;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_flow::{
    Diagnostic, FlowError, Forecast, JoinedOutcome, Options, Outcome, RecipeKind, execute_joined, timed,
};
use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::args::{Global, Machine, RunArgs, Targets};
use crate::compose::filed::{Filed, Settled};
use crate::display::{Display, RUNS_REMEMBERED};
use crate::failure::Failure;
use crate::process::{cores, cpu_seconds, stop_on_signals};
use crate::recipes::tables;
use crate::session::{self, Joint, Reach};
use crate::visible::visible;
use crate::{run, stdio};

pub(crate) use plan::plan;
use summary::{Summary, Table};

/// The recipes that were asked for, and those that `--all` leaves out, since they hold printed values only.
pub(crate) fn chosen(global: &Global, targets: &Targets) -> Result<(Vec<String>, Vec<String>), Failure> {
    if !targets.all {
        return Ok((targets.recipes.clone(), Vec::new()));
    }
    let found = tables(&session::workspace(global)?, &targets.scale)?;
    if found.to_run.is_empty() {
        return Err(Diagnostic::user("no recipe of kind `table` has anything to run")
            .help("give a row a `model`; `assay audit` checks printed values")
            .into());
    }
    Ok((found.to_run, found.printed_only))
}

/// Runs several recipes in one run and writes the report of each as soon as its table is finished.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<(), Failure> {
    let cpu_before = cpu_seconds();
    let display = Arc::new(if args.quiet { Display::quiet() } else { Display::new(global.json) });
    let (recipes, printed_only) = chosen(global, &args.targets)?;
    let shown = Arc::clone(&display);
    let joint = Joint::open(global, &recipes, &args.targets, Reach::of(&args.machine)?, move |event| {
        shown.setup(&event)
    })?;
    only_tables(&joint)?;
    run::check_out(args.out.as_deref(), joint.graph.recipes())?;
    let mut reports: Vec<Option<Finished>> = recipes.iter().map(|_| None).collect();
    let mut unwritten: Option<Failure> = None;
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let mut carry_out = |verify: bool| {
        // Every report is written anew by a second pass, so what went wrong before is no more.
        unwritten = None;
        let mut write = |recipe: usize, outcome: Outcome| match finished(&joint, args, recipe, &outcome) {
            Ok(report) => {
                if !verify {
                    display.tell(&report.line());
                }
                reports[recipe] = Some(report);
            }
            Err(failure) => unwritten = unwritten.take().or(Some(failure)),
        };
        let outcome = carry_out(&joint, &args.machine, &display, &cancel, verify, &mut write)?;
        Ok::<_, Failure>((outcome, reports.iter().flatten().all(|report| report.whole)))
    };
    let (mut outcome, mut whole) = carry_out(false)?;
    if !whole && !joint.store.is_read_only() {
        stdio::say(format_args!("{}", run::LOST));
        (outcome, whole) = carry_out(true)?;
    }
    if !whole {
        stdio::warn(format_args!("{}", run::STILL_LOST));
    }
    for report in reports.iter().flatten() {
        write!(stdio::out(), "{}", report.outcomes)?;
    }
    pin(&joint, &outcome)?;
    let unwanted: Vec<String> = reports.iter().flatten().flat_map(|report| report.unwanted.clone()).collect();
    let summary = Summary {
        tables: tables_of(&joint, &outcome, reports),
        printed_only,
        steps: outcome.steps.len(),
        shared: joint.graph.users().iter().filter(|users| **users > 1).count(),
        ran: outcome.steps.iter().filter(|how| matches!(how, Some(assay_flow::How::Ran { .. }))).count(),
        failed: outcome.failures.len(),
        seconds: outcome.seconds,
        cpu_seconds: cpu_seconds() - cpu_before,
        folder: folder(&joint, args).to_string(),
    };
    match global.json {
        true => writeln!(stdio::out(), "{}", summary.to_json()?)?,
        false => write!(stdio::out(), "{}", summary.text(run::style().width))?,
    }
    // The program ends here, and memory goes at once with it: freeing thousands of steps one by one is felt.
    std::mem::forget(joint.graph);
    display.printed()?;
    ended(outcome, unwritten, unwanted)
}

/// How the run as a whole ended.
fn ended(outcome: JoinedOutcome, unwritten: Option<Failure>, unwanted: Vec<String>) -> Result<(), Failure> {
    if !outcome.failures.is_empty() {
        let (run, failures) = (outcome.run, outcome.failures);
        let skipped = outcome.recipes.into_iter().filter_map(|recipe| match recipe {
            Err(FlowError::Failed { skipped, .. }) => Some(skipped),
            _ => None,
        });
        return Err(FlowError::Failed { run, failures, skipped: skipped.flatten().collect() }.into());
    }
    unwritten.map_or(Ok(()), Err)?;
    match unwanted.is_empty() {
        true => Ok(()),
        false => Err(Failure::Unwanted(run::unwanted(&unwanted))),
    }
}

/// A run of several is one of tables: an artefact has no report, and its place is given for one at a time.
fn only_tables(joint: &Joint) -> Result<(), Failure> {
    let artefact = joint.graph.recipes().find(|recipe| recipe.kind == RecipeKind::Artifact);
    artefact.map_or(Ok(()), |recipe| {
        Err(Diagnostic::user(format!(
            "`{}` makes an artefact, and a run of several recipes makes tables",
            recipe.name
        ))
        .help("run it by itself")
        .into())
    })
}

/// Runs the steps of several recipes whose results are not in the store, until they are or a flag is raised.
pub(crate) fn carry_out(
    joint: &Joint,
    machine: &Machine,
    display: &Display,
    cancel: &AtomicBool,
    verify: bool,
    finished: &mut dyn FnMut(usize, Outcome),
) -> Result<JoinedOutcome, Failure> {
    session::ready(joint.graph.steps(), &joint.facts)?;
    let threads = machine.threads.unwrap_or_else(cores);
    let observer = &display.expect(joint.graph.recipes().len(), || {
        Ok(Forecast::new(joint.graph.steps(), &timed(&joint.store, RUNS_REMEMBERED)?, threads))
    });
    let options =
        Options { threads, memory_mb: machine.memory, facts: joint.facts.clone(), verify, cancel, observer };
    Ok(execute_joined(&joint.graph, &joint.store, &options, finished)?)
}

/// Where the reports go.
fn folder(joint: &Joint, args: &RunArgs) -> Utf8PathBuf {
    args.out
        .clone()
        .unwrap_or_else(|| session::report_folder(&joint.workspace, &joint.store, joint.graph.scale()))
}

/// A table whose report was written.
struct Finished {
    recipe: String,
    claims: Vec<Settled>,
    /// The page.
    page: Utf8PathBuf,
    /// Its claims whose outcome is not accepted.
    unwanted: Vec<String>,
    /// Whether the store had everything that it shows.
    whole: bool,
    /// The outcomes of its claims, where they are printed alone.
    outcomes: String,
}

impl Finished {
    /// A line that says so.
    fn line(&self) -> String {
        let primary = self.claims.iter().find(|settled| settled.primary);
        let outcome = primary
            .map_or_else(String::new, |settled| format!(": {} {}", visible(&settled.claim), settled.outcome));
        format!("        {}{outcome}; {}", self.recipe, self.page)
    }
}

/// Sees to the files of a table that is finished.
fn finished(joint: &Joint, args: &RunArgs, recipe: usize, outcome: &Outcome) -> Result<Finished, Failure> {
    let session = joint.session(recipe)?;
    let filed = Filed::new(&session, outcome, args.out.as_deref(), &folder(joint, args))?;
    let unwanted = run::among(&filed.claims, &args.fail_on);
    // The page is the last of the files.
    let page = filed.files.last().cloned().unwrap_or_default();
    let (recipe, claims, whole) = (session.graph.recipe().name.clone(), filed.claims.clone(), filed.whole);
    let outcomes = if args.quiet { run::outcomes(&filed.report()?) } else { String::new() };
    Ok(Finished { recipe, claims, page, unwanted, whole, outcomes })
}

/// Keeps what the reports rest on.
fn pin(joint: &Joint, outcome: &JoinedOutcome) -> Result<(), Failure> {
    let kept: Vec<Hash> = outcome.recipes.iter().flatten().flat_map(run::kept).collect();
    run::pin(&joint.store, (&outcome.run, outcome.repeats.as_ref()), kept)
}

/// The lines of the summary.
fn tables_of(joint: &Joint, outcome: &JoinedOutcome, reports: Vec<Option<Finished>>) -> Vec<Table> {
    let mut counted = vec![false; outcome.steps.len()];
    let mut tables = Vec::with_capacity(reports.len());
    for (at, (recipe, report)) in joint.graph.recipes().zip(reports).enumerate() {
        let mut table =
            Table::new(recipe, report.as_ref().map(|finished| (&finished.claims[..], &finished.page)));
        for step in joint.graph.steps_of(at) {
            table.add(outcome.steps[*step], std::mem::replace(&mut counted[*step], true));
        }
        tables.push(table);
    }
    tables
}
