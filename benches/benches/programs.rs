//! Heavy programs: the kinds by which fuel is calibrated, in the sandbox and by a native Python.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::io::{Read, Seek, Write};
use std::process::Command;

use assay_bench::judging::{native_python, sandbox};
use assay_bench::{cpu_seconds, median, report_load, report_ratio};
use assay_sandbox::{Entry, Input, Limits, Prelude, Program, RunOutcome, Sandbox, calibrate};

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = sandbox(Limits::benchmark(6))?;
    let (python, version) = native_python()?;
    report_load();
    println!("programs, ms of CPU; native: {python} {version}, without its start / with it");
    let mut starts = (0..2 * ROUNDS)
        .map(|_| native(&python, "", "").map(|(cost, _)| cost))
        .collect::<Result<Vec<_>, _>>()?;
    let start = median(&mut starts);
    let mut logarithms = [0.0; 2];
    let programs = calibrate::programs();
    for (name, source, input) in &programs {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (native_cost, expected) = native(&python, source, input)?;
            let (cost, output) = sandboxed(&sandbox, source, input)?;
            if output != expected {
                return Err(format!("{name}: the sandbox and {python} do not write the same").into());
            }
            ours.push(cost);
            theirs.push(native_cost);
        }
        let (ours, with) = (median(&mut ours), median(&mut theirs));
        let without = with - start;
        for (sum, native) in logarithms.iter_mut().zip([without, with]) {
            *sum += (ours / native).ln() / programs.len() as f64;
        }
        println!(
            "  {name:12} sandbox {ours:>7.1}  native {without:>7.1} / {with:>7.1}  {:>6.2}x / {:.2}x",
            ours / without,
            ours / with
        );
    }
    let [without, with] = logarithms.map(f64::exp);
    report_ratio("geometric mean, start included", with, "at most 1.8");
    report_ratio("geometric mean, start not included", without, "none");
    report_load();
    Ok(())
}

/// Milliseconds of processor time and output in a fresh interpreter of the sandbox.
fn sandboxed(sandbox: &Sandbox, source: &str, input: &str) -> Result<(f64, String), Box<dyn Error>> {
    let program = Program { source: source.to_owned(), entry: Entry::Stdin, prelude: Prelude::None };
    let before = cpu_seconds();
    let mut runs = sandbox.run(&program, &[Input::Text(input.to_owned())]);
    let cost = 1e3 * (cpu_seconds() - before);
    match runs.pop().map(|run| run.outcome) {
        Some(RunOutcome::Completed { output }) => Ok((cost, output)),
        outcome => Err(format!("the sandbox gives {outcome:?}").into()),
    }
}

/// The same of a native process. It reads a file and writes one, since pipes would cost it more, and buffers
/// its output whatever the environment says.
fn native(python: &str, source: &str, input: &str) -> Result<(f64, String), Box<dyn Error>> {
    let mut stdin = tempfile::tempfile()?;
    stdin.write_all(input.as_bytes())?;
    stdin.rewind()?;
    let mut stdout = tempfile::tempfile()?;
    let mut command = Command::new(python);
    command.args(["-E", "-c", source]).stdin(stdin).stdout(stdout.try_clone()?);
    let before = cpu_seconds();
    let status = command.status()?;
    let cost = 1e3 * (cpu_seconds() - before);
    if !status.success() {
        return Err(format!("{python} ended with {status}").into());
    }
    let mut output = String::new();
    stdout.rewind()?;
    stdout.read_to_string(&mut output)?;
    Ok((cost, output))
}
