//! `assay run`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_claims::claim;
use assay_flow::{Diagnostic, FlowError, Forecast, Options, Outcome, Recipe, RecipeKind, execute, timed};
use assay_report::{Report, Style, terminal};
use assay_store::{Hash, RunId, Store, StoreError};
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{Global, Machine, RunArgs, Target};
use crate::compose::filed::{Filed, Settled};
use crate::display::{Display, RUNS_REMEMBERED};
use crate::failure::Failure;
use crate::outputs;
use crate::process::{cores, start_threads, stop_on_signals};
use crate::session::{self, Reach, Session};
use crate::several;
use crate::stdio;
use crate::visible::visible;

/// Width of a report that is not printed to a terminal.
const PLAIN_WIDTH: usize = 120;

/// Runs the recipe and writes its report.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<(), Failure> {
    start_threads()?;
    let Some(target) = args.targets.only() else { return several::run(global, args) };
    let display = Arc::new(if args.quiet { Display::quiet() } else { Display::new(global.json) });
    let session = open(global, &target, &args.machine, &display)?;
    let recipe = session.graph.recipe();
    if recipe.kind == RecipeKind::Artifact && !args.fail_on.is_empty() {
        return Err(Diagnostic::user(format!(
            "`{}` has no claims that --fail-on could look at",
            recipe.name
        ))
        .help("leave --fail-on out: an artefact that is not as its lock says fails anyway")
        .into());
    }
    check_out(args.out.as_deref(), [session.graph.recipe()])?;
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let carry_out = |verify| carry_out_until(&session, &args.machine, &display, &cancel, verify);
    let outcome = carry_out(false)?;
    if !global.json && !args.quiet {
        let (ran, all) = (outcome.ran(), outcome.steps.len());
        match ran {
            0 => stdio::say(format_args!("no step executed: all {all} were cached")),
            _ => {
                stdio::say(format_args!("{ran} of {all} steps executed, {} were cached or saved", all - ran))
            }
        }
    }
    match session.graph.recipe().kind {
        RecipeKind::Table => report(global, args, &session, outcome, &|| carry_out(true))?,
        RecipeKind::Artifact => artifact(global, args, &session, &outcome)?,
    }
    display.printed()
}

/// Refuses a place for reports, or for the copy of an artefact, that cannot be written, before any work is done.
pub(crate) fn check_out<'a>(
    out: Option<&Utf8Path>,
    recipes: impl IntoIterator<Item = &'a Recipe>,
) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    for recipe in recipes {
        match recipe.kind {
            RecipeKind::Artifact if out.symlink_metadata().is_ok() => {
                return Err(StoreError::DestinationExists { path: out.to_owned() }.into());
            }
            RecipeKind::Artifact => outputs::check(&[], &[("--out", Some(out))])?,
            RecipeKind::Table if out.exists() && !out.is_dir() => {
                let message = format!("--out takes a folder, and {out} is none");
                return Err(Diagnostic::user(message).help("name another folder").into());
            }
            RecipeKind::Table => assay_report::probe_report(&recipe.name, out)?,
        }
    }
    Ok(())
}

/// Checks the recipe and opens the store; nothing is run.
pub(crate) fn open(
    global: &Global,
    target: &Target,
    machine: &Machine,
    display: &Arc<Display>,
) -> Result<Session, Failure> {
    let display = Arc::clone(display);
    Session::open(global, target, Reach::of(machine)?, move |event| display.setup(&event))
}

/// Runs the steps of a recipe whose results are not in the store, until they are or a flag is raised. If `verify` is set,
/// every result that is there is read and checked.
pub(crate) fn carry_out_until(
    session: &Session,
    machine: &Machine,
    display: &Display,
    cancel: &AtomicBool,
    verify: bool,
) -> Result<Outcome, Failure> {
    session::ready(session.graph.steps(), &session.facts)?;
    let threads = machine.threads.unwrap_or_else(cores);
    let observer = &display.expect(1, || {
        Ok(Forecast::new(session.graph.steps(), &timed(&session.store, RUNS_REMEMBERED)?, threads))
    });
    let options = Options {
        threads,
        memory_mb: machine.memory,
        facts: session.facts.clone(),
        verify,
        cancel,
        observer,
    };
    Ok(execute(&session.graph, &session.store, &options)?)
}

/// What to say before artefacts that a report shows are made anew.
pub(crate) const LOST: &str =
    "the store has lost artefacts that the report shows: the steps that made them run again";

/// What to say of a report that lacks them all the same.
pub(crate) const STILL_LOST: &str =
    "the report lacks samples, training curves or served models that the store has lost";

/// Sees to the report's files, and prints it. `again` carries out the recipe with a check of all that is there.
fn report(
    global: &Global,
    args: &RunArgs,
    session: &Session,
    mut outcome: Outcome,
    again: &dyn Fn() -> Result<Outcome, Failure>,
) -> Result<(), Failure> {
    let file =
        |outcome: &Outcome| Filed::new(session, outcome, args.out.as_deref(), &session.report_folder());
    let mut filed = file(&outcome)?;
    if !filed.whole && !session.store.is_read_only() {
        stdio::say(format_args!("{LOST}"));
        match again() {
            Ok(made) => {
                outcome = made;
                filed = file(&outcome)?;
            }
            Err(failure @ Failure::Flow(FlowError::Interrupted { .. })) => return Err(failure),
            Err(failure) => stdio::warn(format_args!("{failure}")),
        }
    }
    if !filed.whole {
        stdio::warn(format_args!("{STILL_LOST}"));
    }
    pin(&session.store, (&outcome.run, outcome.repeats.as_ref()), kept(&outcome))?;
    let (files, claims) = (filed.files.clone(), filed.claims.clone());
    if args.quiet {
        write!(stdio::out(), "{}", outcomes(&filed.report()?))?;
    } else if !global.json {
        print(&filed.report()?, &files)?;
    }
    accepted(&claims, &args.fail_on)
}

/// Fails if a claim has one of these outcomes.
fn accepted(claims: &[Settled], not_accepted: &[claim::Outcome]) -> Result<(), Failure> {
    let named = among(claims, not_accepted);
    if named.is_empty() {
        return Ok(());
    }
    Err(Failure::Unwanted(unwanted(&named)))
}

/// The claims that have one of these outcomes, each with its outcome.
pub(crate) fn among(claims: &[Settled], outcomes: &[claim::Outcome]) -> Vec<String> {
    let claims = claims.iter().filter(|settled| outcomes.contains(&settled.outcome));
    claims.map(|settled| format!("{} {}", visible(&settled.claim), settled.outcome)).collect()
}

/// What to say of claims that have an outcome that is not accepted.
pub(crate) fn unwanted(named: &[String]) -> String {
    format!("claims with an outcome that --fail-on names: {}", named.join(", "))
}

/// The outcomes of the claims, as wide as the terminal.
pub(crate) fn outcomes(report: &Report) -> String {
    assay_report::outcomes(report, style())
}

/// Prints the report as wide as the terminal.
pub(crate) fn print(report: &Report, files: &[Utf8PathBuf]) -> Result<(), Failure> {
    write!(stdio::out(), "{}", terminal(report, style(), files))
}

/// As wide as the terminal, and in colour: the stream strips it where it is not wanted.
pub(crate) fn style() -> Style {
    let width = terminal_size::terminal_size().map_or(PLAIN_WIDTH, |(width, _)| usize::from(width.0));
    Style { width, colour: true }
}

/// Compares an artefact with its lock, and copies it out if the user named a place.
fn artifact(global: &Global, args: &RunArgs, session: &Session, outcome: &Outcome) -> Result<(), Failure> {
    pin(&session.store, (&outcome.run, None), kept(outcome))?;
    if let Some(out) = &args.out {
        session.store.copy_out(&outcome.output, out)?;
    }
    if !global.json {
        writeln!(stdio::out(), "{} = {}", session.graph.target().id, outcome.output)?;
    }
    let Some(expected) = session.graph.expectation() else { return Ok(()) };
    if expected.hash == outcome.output {
        if !global.json {
            writeln!(stdio::out(), "reproduced: this is `{}` of {}", expected.entry, expected.lock)?;
        }
        return Ok(());
    }
    Err(Failure::NotAsLocked {
        message: format!(
            "not reproduced: `{}` of {} is {}, this run made {}",
            expected.entry, expected.lock, expected.hash, outcome.output
        ),
        help: format!(
            "float work is bit-identical on the same instruction set and C library only; this machine's is {}",
            assay_lm::instruction_set()
        ),
    })
}

/// Keeps these objects for a run, unless they are kept for the run that it repeats. A store that cannot be written has no
/// record of the run, and loses nothing.
pub(crate) fn pin(
    store: &Store,
    (run, repeats): (&RunId, Option<&RunId>),
    mut objects: Vec<Hash>,
) -> Result<(), Failure> {
    objects.sort_unstable();
    objects.dedup();
    match repeats {
        _ if store.is_read_only() => Ok(()),
        Some(earlier) if store.pins(earlier)? == objects => Ok(()),
        _ => Ok(store.pin(run, &objects)?),
    }
}

/// Everything that the recorded result rests on.
pub(crate) fn kept(outcome: &Outcome) -> Vec<Hash> {
    outcome.steps.iter().map(|step| step.output).collect()
}
