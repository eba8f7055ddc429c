//! The `assay` command: arguments, progress and exit codes over the libraries.

mod args;
mod audit;
mod challenge;
mod check;
mod compose;
mod diff;
mod display;
mod doctor;
mod document;
mod error_document;
mod evidence;
mod failure;
mod fetch;
mod findings;
mod flips;
mod grade;
mod import;
mod judge;
mod lock;
mod memory;
mod outputs;
mod plan;
mod process;
mod progress;
mod recipes;
mod report;
mod run;
mod samples;
#[cfg(test)]
mod schemas;
mod session;
mod settings;
mod several;
mod stdio;
mod steps;
mod store;
mod visible;
mod whose;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, ColorWhen, Command};
use error_document::ErrorDocument;
use failure::Failure;

#[global_allocator]
static MEMORY: memory::OrEnd = memory::OrEnd;

fn main() -> ExitCode {
    process::tune();
    // No command of the user's, so the command line does not have it.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == process::WORKER) {
        return ended(judge::work(), false);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    match cli.global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
    ended(dispatch(&cli), cli.global.json)
}

/// Says what is wrong with the arguments; help and version are no mistake.
fn refused(error: &clap::Error) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).take_while(|argument| argument != "--");
    let json = arguments.any(|argument| argument == "--json");
    if json && error.use_stderr() {
        stdio::say(ErrorDocument::of_arguments(error).to_line());
    } else {
        // Where nobody reads it, there is nobody to tell.
        _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Says why a command failed, under `--json` as a document on the last line.
fn ended(outcome: Result<(), Failure>, json: bool) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // As when `head` has seen enough.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            match json {
                true => stdio::say(ErrorDocument::of(&failure).to_line()),
                false => stdio::say(failure.shown()),
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(cli: &Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Run(args) => run::run(global, args),
        Command::Check(args) => check::check(global, args),
        Command::Challenge(args) => challenge::challenge(global, args),
        Command::Diff(args) => diff::diff(global, args),
        Command::Judge(args) => judge::judge(global, args),
        Command::Calibrate(args) => judge::calibration(global, args),
        Command::Grade(args) => grade::grade(global, args),
        Command::Import(args) => import::import(global, args),
        Command::Fetch(args) => fetch::fetch(global, args),
        Command::Lock(args) => lock::lock(global, args),
        Command::Plan(args) => plan::plan(global, args),
        Command::Audit(args) => audit::run(global, args),
        Command::Why(args) => plan::why(global, args),
        Command::Doctor => doctor::doctor(global),
        Command::Steps { kind } => steps::steps(global, kind.as_deref()),
        Command::Settings(args) => settings::settings(global, args),
        Command::Report(args) => report::report(global, args),
        Command::Samples(args) => samples::samples(global, args),
        Command::Runs => store::runs(global),
        Command::Log { run } => store::log(global, run),
        Command::Store(command) => store::maintain(global, command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "assay", &mut script);
            stdio::out().write_all(&script)
        }
    }
}
