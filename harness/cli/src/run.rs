//! `assay run`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_flow::{Options, Outcome, RecipeKind, execute};
use assay_report::{Report, Style, terminal};
use assay_store::Hash;
use camino::Utf8PathBuf;

use crate::args::{Global, RunArgs};
use crate::compose;
use crate::display::Display;
use crate::failure::Failure;
use crate::process::{cores, stop_on_signals};
use crate::session::Session;
use crate::stdio;

/// Width of a report that is not printed to a terminal.
const PLAIN_WIDTH: usize = 120;

/// Runs the recipe and writes its report.
pub(crate) fn run(global: &Global, args: &RunArgs) -> Result<(), Failure> {
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let display = Arc::new(Display::new(global.json));
    let setup_display = Arc::clone(&display);
    let session =
        Session::open(global, &args.target, &args.python, move |event| setup_display.setup(&event))?;
    let options = Options {
        threads: args.threads.unwrap_or_else(cores).max(1),
        memory_mb: args.memory,
        facts: session.facts.clone(),
        cancel: &cancel,
        observer: &*display,
    };
    let outcome = execute(&session.graph, &session.store, &options)?;
    if !global.json {
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

/// Composes, writes and prints the report.
fn report(global: &Global, args: &RunArgs, session: &Session, outcome: &Outcome) -> Result<(), Failure> {
    let report = compose::report(session, outcome)?;
    let folder = args.out.clone().unwrap_or_else(|| session.report_folder());
    let written = assay_report::write(&report, &folder)?;
    session.store.pin(&outcome.run, &kept(outcome))?;
    if !global.json {
        let files: Vec<Utf8PathBuf> = written.into_iter().map(|file| file.path).collect();
        print(&report, &files)?;
    }
    Ok(())
}

/// Prints the report as wide as the terminal.
pub(crate) fn print(report: &Report, files: &[Utf8PathBuf]) -> Result<(), Failure> {
    let width = terminal_size::terminal_size().map_or(PLAIN_WIDTH, |(width, _)| usize::from(width.0));
    // The stream strips colours where they are not wanted.
    write!(stdio::out(), "{}", terminal(report, Style { width, colour: true }, files))
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
fn kept(outcome: &Outcome) -> Vec<Hash> {
    outcome.steps.iter().map(|step| step.output).collect()
}
