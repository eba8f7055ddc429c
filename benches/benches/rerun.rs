//! A run with nothing to do: the command as a user calls it, on a finished store. One table of this repository, and all
//! tables of the workspace that `ASSAY_FINISHED` names, such as one at a tiny scale, which `ASSAY_SCALE` names.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use assay_bench::{report_load, report_time};
use camino::{Utf8Path, Utf8PathBuf};

const ROUNDS: usize = 11;

/// Times a command that has something to do once at most, and says so by `done` when it has nothing to do.
fn rerun(
    title: &str,
    run: impl Fn() -> std::io::Result<Output>,
    done: &str,
    goal: u64,
) -> Result<(), Box<dyn Error>> {
    run()?;
    let second = run()?;
    let said =
        [second.stdout, second.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    if !said.contains(done) {
        return Err(said.into());
    }
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        run()?;
        times.push(started.elapsed());
    }
    report_time(title, &mut times, Duration::from_millis(goal));
    let fastest = times.iter().min().copied().unwrap_or_default();
    println!("  {:44} {:>10.2} ms", "fastest", fastest.as_secs_f64() * 1e3);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Beside the benchmarks' own folder lies the command, if it has been built.
    let here = std::env::current_exe()?;
    let binary = here.ancestors().nth(2).map(|folder| folder.join("assay")).filter(|path| path.is_file());
    let Some(binary) = binary else {
        return Err("build the command first: cargo build --release".into());
    };
    report_load();
    if let Ok(finished) = std::env::var("ASSAY_FINISHED") {
        let finished = Utf8PathBuf::from(finished);
        let scale = std::env::var("ASSAY_SCALE").unwrap_or_else(|_| "embedded".to_owned());
        let command = |arguments: &[&str]| {
            Command::new(&binary).args(arguments).args(["--scale", &scale]).current_dir(&finished).output()
        };
        rerun("all tables, their reports there", || command(&["run", "--all"]), " 0 executed", 200)?;
        rerun("one of them, printed", || command(&["run", "table-05"]), "no step executed", 50)?;
        rerun("the plan of all", || command(&["plan", "--all"]), "a run executes nothing", 200)?;
        return Ok(());
    }
    let out = tempfile::TempDir::new()?;
    let run = || {
        Command::new(&binary).args(["run", "table-05", "--out"]).arg(out.path()).current_dir(&root).output()
    };
    rerun("a second run of table-05, which executes no step", run, "no step executed", 50)
}
