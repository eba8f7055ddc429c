//! A run with nothing to do: the command as a user calls it, on a finished store.

use std::process::Command;
use std::time::{Duration, Instant};

use assay_bench::report_time;
use camino::Utf8Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Beside the benchmarks' own folder lies the command, if it has been built.
    let here = std::env::current_exe()?;
    let binary = here.ancestors().nth(2).map(|folder| folder.join("assay")).filter(|path| path.is_file());
    let Some(binary) = binary else {
        return Err("build the command first: cargo build --release".into());
    };
    let out = tempfile::TempDir::new()?;
    let run = || {
        Command::new(&binary).args(["run", "table-05", "--out"]).arg(out.path()).current_dir(&root).output()
    };
    run()?;
    let second = run()?;
    let said = String::from_utf8_lossy(&second.stderr);
    if !said.contains("no step executed") {
        return Err(said.into_owned().into());
    }
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..11 {
        let started = Instant::now();
        run()?;
        times.push(started.elapsed());
    }
    report_time("a second run of table-05, which executes no step", &mut times, Duration::from_millis(100));
    Ok(())
}
