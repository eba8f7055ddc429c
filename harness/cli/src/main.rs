//! The `assay` command: arguments, progress and exit codes over the libraries.

mod args;
mod audit;
mod challenge;
mod check;
mod compose;
mod diff;
mod display;
mod failure;
mod grade;
mod import;
mod judge;
mod outputs;
mod plan;
mod process;
mod progress;
mod report;
mod run;
mod session;
mod settings;
mod stdio;
mod steps;
mod store;
mod visible;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, ColorWhen, Command};
use failure::Failure;

fn main() -> ExitCode {
    process::tune();
    // No command of the user's, so the command line does not have it.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == process::WORKER) {
        return ended(judge::work());
    }
    let cli = Cli::parse();
    match cli.global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
    ended(dispatch(&cli))
}

fn ended(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // As when `head` has seen enough.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            stdio::say(failure.shown());
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
        Command::Plan(args) => plan::plan(global, args),
        Command::Audit(args) => audit::run(global, args),
        Command::Why(args) => plan::why(global, args),
        Command::Steps { kind } => steps::steps(global, kind.as_deref()),
        Command::Settings(args) => settings::settings(global, args),
        Command::Report(args) => report::report(global, args),
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
