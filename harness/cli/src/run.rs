//! `assay run`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_claims::claim;
use assay_flow::{Diagnostic, Options, Outcome, RecipeKind, execute};
use assay_report::{Report, Style, terminal};
use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::args::{Global, Machine, RunArgs, Target};
use crate::compose;
use crate::display::Display;
use crate::failure::Failure;
use crate::process::{cores, stop_on_signals};
use crate::session::Session;
use crate::stdio;
use crate::visible::visible;

/// Width of a report that is not printed to a terminal.
const PLAIN_WIDTH: usize = 120;

/// Runs the recipe and writes its report.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<(), Failure> {
    let display = Arc::new(if args.quiet { Display::quiet() } else { Display::new(global.json) });
    let session = open(global, &args.target, &args.machine, &display)?;
    let recipe = session.graph.recipe();
    if recipe.kind == RecipeKind::Artifact && !args.fail_on.is_empty() {
        return Err(Diagnostic::user(format!(
            "`{}` has no claims that --fail-on could look at",
            recipe.name
        ))
        .help("leave --fail-on out: an artefact that is not as its lock says fails anyway")
        .into());
    }
    let outcome = carry_out(&session, &args.machine, &display)?;
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
        RecipeKind::Table => report(global, args, &session, &outcome)?,
        RecipeKind::Artifact => artifact(global, args, &session, &outcome)?,
    }
    display.printed()
}

/// Checks the recipe and opens the store; nothing is run.
pub(crate) fn open(
    global: &Global,
    target: &Target,
    machine: &Machine,
    display: &Arc<Display>,
) -> Result<Session, Failure> {
    let display = Arc::clone(display);
    Session::open(global, target, &machine.python, move |event| display.setup(&event))
}

/// Runs the steps of a recipe whose results are not in the store, until they are or the user stops it.
pub(crate) fn carry_out(session: &Session, machine: &Machine, display: &Display) -> Result<Outcome, Failure> {
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let options = Options {
        threads: machine.threads.unwrap_or_else(cores).max(1),
        memory_mb: machine.memory,
        facts: session.facts.clone(),
        cancel: &cancel,
        observer: display,
    };
    Ok(execute(&session.graph, &session.store, &options)?)
}

/// Composes, writes and prints the report.
fn report(global: &Global, args: &RunArgs, session: &Session, outcome: &Outcome) -> Result<(), Failure> {
    let report = compose::report(session, outcome)?;
    let folder = args.out.clone().unwrap_or_else(|| session.report_folder());
    let written = assay_report::write(&report, &folder)?;
    session.store.pin(&outcome.run, &kept(outcome))?;
    if args.quiet {
        write!(stdio::out(), "{}", outcomes(&report))?;
    } else if !global.json {
        let files: Vec<Utf8PathBuf> = written.into_iter().map(|file| file.path).collect();
        print(&report, &files)?;
    }
    accepted(&report, &args.fail_on)
}

/// Fails if a claim has one of these outcomes.
fn accepted(report: &Report, unwanted: &[claim::Outcome]) -> Result<(), Failure> {
    let claims = report.claims.iter().filter(|claim| unwanted.contains(&claim.outcome));
    let named: Vec<String> =
        claims.map(|claim| format!("{} {}", visible(&claim.id), claim.outcome)).collect();
    if named.is_empty() {
        return Ok(());
    }
    Err(Failure::Unwanted(format!("claims with an outcome that --fail-on names: {}", named.join(", "))))
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
fn style() -> Style {
    let width = terminal_size::terminal_size().map_or(PLAIN_WIDTH, |(width, _)| usize::from(width.0));
    Style { width, colour: true }
}

/// Compares an artefact with its lock, and copies it out if the user named a place.
fn artifact(global: &Global, args: &RunArgs, session: &Session, outcome: &Outcome) -> Result<(), Failure> {
    session.store.pin(&outcome.run, &kept(outcome))?;
    if let Some(out) = &args.out {
        session.store.materialize(&outcome.output, out)?;
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

/// Everything that the recorded result rests on.
pub(crate) fn kept(outcome: &Outcome) -> Vec<Hash> {
    outcome.steps.iter().map(|step| step.output).collect()
}
