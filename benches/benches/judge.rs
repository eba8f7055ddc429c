//! Judging short programs: the sandbox against a `python3` process per test and against judges that run
//! programs inside their own process, which are fast and let a program do what it likes.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assay_bench::judging::{ShortProgram, native_python, sandbox, short_programs};
use assay_bench::{Contender, compare_cpu, cpu_seconds, median, report_load, report_ratio, report_time};
use assay_sandbox::{Entry, Expected, Input, Limits, Prelude, Program, Sandbox, Test, Verdict, judge};

/// Of how many programs the slowest contender judges each round.
const SAMPLED: usize = 5;
/// Tests of all programs together.
const TESTS: usize = 2_000;
/// Verdicts of one round of the start-up's measurement.
const STARTS: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = sandbox(Limits::default())?;
    let (python, version) = native_python()?;
    let programs = short_programs();
    let lines: Vec<String> = programs.iter().map(line).collect();
    let all = in_process(&python, &["fork"], &lines.concat());
    let expected: Vec<Vec<String>> =
        all.lines().map(serde_json::from_str).collect::<Result<_, serde_json::Error>>()?;
    let samples: Vec<(Program, Vec<Test>)> =
        programs.iter().zip(&expected).map(|(program, outputs)| sample(program, outputs)).collect();
    report_load();
    let costs = compare_cpu(
        &format!("200 short programs of 10 tests each; native: {python} {version}"),
        "test",
        3,
        vec![
            Contender::new("a python3 process per test", || {
                let sampled = programs.iter().zip(&expected).step_by(programs.len() / SAMPLED);
                let passed = sampled.map(|(program, outputs)| {
                    let pairs = program.inputs.iter().zip(outputs);
                    pairs
                        .filter(|(input, output)| run(&python, &["-c", &program.source], input) == **output)
                        .count()
                });
                all_passed(passed.sum(), 10 * SAMPLED)
            }),
            Contender::new("exec in a python3 process per program", || {
                let outputs: String = lines.iter().map(|line| in_process(&python, &[], line)).collect();
                all_passed(if outputs == all { TESTS } else { 0 }, TESTS)
            }),
            Contender::new("the same, forked from a running python3", || {
                let outputs = in_process(&python, &["fork"], &lines.concat());
                all_passed(if outputs == all { TESTS } else { 0 }, TESTS)
            }),
            Contender::new("a fresh interpreter in the sandbox per test", || {
                all_passed(
                    samples.iter().map(|(program, tests)| passed(&sandbox, program, tests)).sum(),
                    TESTS,
                )
            }),
        ],
    );
    if let [process, exec, forked, ours] = costs.as_slice() {
        report_ratio("a process per test / the sandbox", process / ours, "at least 10");
        report_ratio("exec in a process per program / the sandbox", exec / ours, "at least 1");
        report_ratio("the same, forked / the sandbox", forked / ours, "none");
    }
    start(&sandbox);
    report_load();
    Ok(())
}

/// From a fresh interpreter to the verdict of the smallest program.
fn start(sandbox: &Sandbox) {
    let program = ShortProgram { source: "print(input())\n".to_owned(), inputs: vec!["hello\n".to_owned()] };
    let (program, tests) = sample(&program, &["hello\n".to_owned()]);
    let mut times: Vec<Duration> = Vec::new();
    let mut costs: Vec<f64> = Vec::new();
    for round in 0..=5 {
        let before = cpu_seconds();
        for _ in 0..STARTS {
            let started = Instant::now();
            all_passed(passed(sandbox, &program, &tests), 1);
            if round > 0 {
                times.push(started.elapsed());
            }
        }
        if round > 0 {
            costs.push(1e3 * (cpu_seconds() - before) / STARTS as f64);
        }
    }
    let title = "from a fresh interpreter to the verdict of `print(input())`, by the clock";
    report_time(title, &mut times, Duration::from_millis(1));
    println!("  {:44} {:>10.2} ms  (goal: at most 1 ms)", "the same, processor time", median(&mut costs));
}

/// A program for [`judge`] with the outputs that it should give.
fn sample(program: &ShortProgram, outputs: &[String]) -> (Program, Vec<Test>) {
    let tests = program.inputs.iter().zip(outputs).map(|(input, output)| Test {
        input: Input::Text(input.clone()),
        expected: Expected::Output(output.clone()),
    });
    let source = program.source.clone();
    (Program { source, entry: Entry::Stdin, prelude: Prelude::None }, tests.collect())
}

/// How many tests the sandbox lets pass.
fn passed(sandbox: &Sandbox, program: &Program, tests: &[Test]) -> usize {
    let results = judge(sandbox, program, tests).tests;
    results.iter().filter(|test| test.verdict == Verdict::Pass).count()
}

/// The number of tests, all of which have to have passed: a contender that fails is not compared.
fn all_passed(passed: usize, tests: usize) -> u64 {
    assert_eq!(passed, tests, "tests that passed, and all tests");
    tests as u64
}

/// The sample as a line for `in_process.py`.
fn line(program: &ShortProgram) -> String {
    let sample = serde_json::json!({ "source": program.source, "inputs": program.inputs });
    format!("{sample}\n")
}

fn in_process(python: &str, arguments: &[&str], lines: &str) -> String {
    run(python, &[&["-c", include_str!("in_process.py")], arguments].concat(), lines)
}

/// Runs a Python, which does not heed the environment, and gives its output; nothing if it cannot be run.
fn run(python: &str, arguments: &[&str], input: &str) -> String {
    let child =
        Command::new(python).arg("-E").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return String::new() };
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Beside the reading, since neither pipe holds everything.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output()
    });
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
