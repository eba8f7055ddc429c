//! How much fuel a second of native Python is.
//!
//! Fuel counts instructions, so how much of it a second is depends on what a program does. Two dozen kinds of
//! programs are run in the sandbox and by a native Python; a budget is then stated in native seconds by the
//! largest ratio among them. A program of any of these kinds that is within its seconds natively is therefore
//! within its fuel here, whatever machine judges it.

use std::io::Write;
use std::process::{Command, Stdio};

use camino::Utf8Path;

use crate::program::{Entry, Input, Prelude, Program, RunOutcome};
use crate::sandbox::Sandbox;

/// The kinds of programs: name, source and standard input.
pub fn programs() -> Vec<(&'static str, &'static str, String)> {
    let lines: String = (0..100_000).map(|i| format!("{i} {}\n", i * 3 % 1000)).collect();
    vec![
        ("sieve", include_str!("../calibration/sieve.py"), String::new()),
        ("loops", include_str!("../calibration/loops.py"), String::new()),
        ("counter", include_str!("../calibration/counter.py"), String::new()),
        ("strings", include_str!("../calibration/strings.py"), String::new()),
        ("dijkstra", include_str!("../calibration/dijkstra.py"), String::new()),
        ("dp2d", include_str!("../calibration/dp2d.py"), String::new()),
        ("recursion", include_str!("../calibration/recursion.py"), String::new()),
        ("stdin", include_str!("../calibration/stdin.py"), format!("100000\n{lines}")),
        ("objects", include_str!("../calibration/objects.py"), String::new()),
        ("searching", include_str!("../calibration/searching.py"), String::new()),
        ("integers", include_str!("../calibration/integers.py"), String::new()),
        ("sorting", include_str!("../calibration/sorting.py"), String::new()),
        ("generators", include_str!("../calibration/generators.py"), String::new()),
        ("knapsack", include_str!("../calibration/knapsack.py"), String::new()),
        ("grids", include_str!("../calibration/grids.py"), String::new()),
        ("floats", include_str!("../calibration/floats.py"), String::new()),
        ("sums", include_str!("../calibration/sums.py"), String::new()),
        ("lists", include_str!("../calibration/lists.py"), String::new()),
        ("palindromes", include_str!("../calibration/palindromes.py"), String::new()),
        ("digits", include_str!("../calibration/digits.py"), String::new()),
        ("bitsets", include_str!("../calibration/bitsets.py"), String::new()),
        ("memo", include_str!("../calibration/memo.py"), String::new()),
        ("heaps", include_str!("../calibration/heaps.py"), String::new()),
        ("matrices", include_str!("../calibration/matrices.py"), String::new()),
    ]
}

/// What one kind of program took.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Measurement {
    /// The kind.
    pub program: &'static str,
    /// Units of fuel, which are the same on every machine.
    pub fuel: u64,
    /// Processor seconds of the native Python, its start not included: the least of several runs.
    pub native_seconds: f64,
}

impl Measurement {
    /// Units of fuel per second of native Python.
    pub fn fuel_per_second(&self) -> f64 {
        self.fuel as f64 / self.native_seconds
    }
}

/// Why a calibration failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The native Python could not be run, or it failed.
    #[error("{python} did not run the program `{program}`: {message}")]
    Native {
        /// The interpreter.
        python: String,
        /// The kind of program.
        program: &'static str,
        /// Why.
        message: String,
    },
    /// The sandbox gave another output than the native Python, or none.
    #[error("the sandbox did not run the program `{program}` as {python} does: {outcome}")]
    Differs {
        /// The interpreter.
        python: String,
        /// The kind of program.
        program: &'static str,
        /// What the sandbox gave.
        outcome: String,
    },
}

impl CalibrationError {
    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            CalibrationError::Native { .. } => "compare with a CPython 3 that starts, such as `python3`",
            CalibrationError::Differs { .. } => {
                "compare with another CPython 3, best of the image's own version; with that one, report it"
            }
        }
    }
}

/// Runs each kind of program once in the sandbox, whose limits must be generous, and `repetitions` times by
/// `python`.
///
/// # Errors
/// [`CalibrationError`] if a program fails or the two do not write the same.
pub fn calibrate(
    sandbox: &Sandbox,
    python: &Utf8Path,
    repetitions: u32,
) -> Result<Vec<Measurement>, CalibrationError> {
    programs()
        .into_iter()
        .map(|(name, source, input)| {
            let mut native_seconds = f64::INFINITY;
            let mut output = String::new();
            for _ in 0..repetitions.max(1) {
                let (seconds, written) = native(python, source, &input).map_err(|message| {
                    CalibrationError::Native { python: python.to_string(), program: name, message }
                })?;
                native_seconds = native_seconds.min(seconds);
                output = written;
            }
            let program = Program { source: source.to_owned(), entry: Entry::Stdin, prelude: Prelude::None };
            let (run, _) = sandbox.trace(&program, &Input::Text(input));
            match run.outcome {
                RunOutcome::Completed { output: ours } if ours == output => {
                    Ok(Measurement { program: name, fuel: run.fuel, native_seconds })
                }
                outcome => Err(CalibrationError::Differs {
                    python: python.to_string(),
                    program: name,
                    outcome: format!("{outcome:?}").chars().take(200).collect(),
                }),
            }
        })
        .collect()
}

/// Processor seconds and output of a native run. The program itself is timed, not the interpreter's start.
fn native(python: &Utf8Path, source: &str, input: &str) -> Result<(f64, String), String> {
    const TIMED: &str = "import sys, time\ncode = compile(sys.argv[1], 'program', 'exec')\nstart = time.process_time()\n\
                         exec(code, {'__name__': '__main__'})\nsys.stdout.flush()\n\
                         print(time.process_time() - start, file=sys.stderr)";
    let mut child = Command::new(python)
        .args(["-I", "-c", TIMED, source])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        // The program reads all of it before it writes; should it fail before, it says why itself.
        _ = stdin.write_all(input.as_bytes());
    }
    let ended = child.wait_with_output().map_err(|error| error.to_string())?;
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let seconds = stderr.trim().parse().map_err(|_| format!("it wrote: {}", stderr.trim()))?;
    Ok((seconds, String::from_utf8_lossy(&ended.stdout).into_owned()))
}
