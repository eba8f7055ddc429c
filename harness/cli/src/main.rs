//! The `assay` command: arguments, progress and exit codes over the libraries.

mod args;
mod compose;
mod display;
mod failure;
mod grade;
mod judge;
mod plan;
mod process;
mod progress;
mod run;
mod sections;
mod session;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, ColorWhen, Command};
use failure::Failure;

fn main() -> ExitCode {
    process::tune();
    let cli = Cli::parse();
    match cli.global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
    match dispatch(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(cli: &Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Run(args) => run::run(global, args),
        Command::Judge(args) => judge::judge(global, args),
        Command::JudgeWorker => judge::work(),
        Command::Calibrate(args) => judge::calibration(global, args),
        Command::Plan(target) => plan::plan(global, target),
        Command::Why(args) => plan::why(global, args),
        Command::Grade(args) => grade::grade(global, args),
        Command::Runs => store::runs(global),
        Command::Log { run } => store::log(global, run),
        Command::Store(command) => store::maintain(global, command),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "assay", &mut std::io::stdout());
            Ok(())
        }
    }
}
