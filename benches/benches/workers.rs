//! Two worker processes against one. The clock says how much faster two are only where two cores are free: on
//! a busy machine two processes also get twice the share of one. The processor time of a test says on any
//! machine whether workers hinder each other.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use assay_bench::judging::{ShortProgram, images, lock, sandbox, short_programs};
use assay_bench::{Contender, compare, compare_cpu, cpu_seconds, median, report_load, report_ratio};
use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{
    Entry, Input, Judge, Limits, Pool, Prelude, Program, RunOutcome, Sandbox, Task, Verdict,
};

fn main() -> Result<(), Box<dyn Error>> {
    // This program is its own worker.
    if std::env::args().any(|argument| argument == "worker") {
        return Ok(assay_sandbox::serve(std::io::stdin().lock(), std::io::stdout())?);
    }
    let limits = Limits::default();
    // It makes the image, which workers find.
    let sandbox = sandbox(limits.clone())?;
    let tasks: Vec<Task> =
        short_programs().iter().map(|program| task(&sandbox, program)).collect::<Result<_, _>>()?;
    let binary = std::env::current_exe()?;
    let lock = lock()?;
    let pool = |workers| {
        let binary = binary.clone();
        let command = move || {
            let mut command = Command::new(&binary);
            command.arg("worker");
            command
        };
        Pool::new(command, &images(), &lock, &limits, workers)
    };
    let (one, two) = (pool(1), pool(2));
    let contenders = || {
        vec![
            Contender::new("one worker process", || judged(&one, &tasks)),
            Contender::new("two worker processes", || judged(&two, &tasks)),
        ]
    };
    report_load();
    let rates =
        compare("200 short programs of 10 tests each, the workers' start included", "test", 5, contenders());
    if let [one, two] = rates.as_slice() {
        report_ratio("two workers / one, by the clock", two / one, "at least 1.8 on two free cores");
    }
    report_load();
    let costs = compare_cpu("the same, processor time", "test", 3, contenders());
    if let [one, two] = costs.as_slice() {
        report_ratio("two workers, were two cores free", 2.0 * one / two, "at least 1.8");
    }
    let mut starts: Vec<f64> = (0..5).map(|_| start(&one, &tasks)).collect();
    println!("  a worker's start and its first program {:>14.1} ms of CPU", median(&mut starts));
    report_load();
    Ok(())
}

/// Milliseconds of processor time of a worker that judges a single program.
fn start(pool: &Pool, tasks: &[Task]) -> f64 {
    let before = cpu_seconds();
    judged(pool, tasks.get(..1).unwrap_or_default());
    1e3 * (cpu_seconds() - before)
}

/// Tests that expect what the program gives.
fn task(sandbox: &Sandbox, program: &ShortProgram) -> Result<Task, Box<dyn Error>> {
    let inputs: Vec<Input> = program.inputs.iter().cloned().map(Input::Text).collect();
    let source = Program { source: program.source.clone(), entry: Entry::Stdin, prelude: Prelude::Benchmark };
    let runs = sandbox.run(&source, &inputs);
    let cases = program.inputs.iter().zip(runs).map(|(input, run)| match run.outcome {
        RunOutcome::Completed { output } => Ok(Case { input: input.clone(), output, public: false }),
        outcome => Err(format!("the sandbox gives {outcome:?} for:\n{}", program.source)),
    });
    let tests = Tests::Scripts(cases.collect::<Result<_, _>>()?);
    Ok(Task { judge: Judge::Assay, program: program.source.clone(), tests })
}

/// Judges all tasks, which have to pass, and gives the number of tests.
fn judged(pool: &Pool, tasks: &[Task]) -> u64 {
    let mut tests = 0;
    let done = pool.judge(tasks.iter().cloned().enumerate(), &AtomicBool::new(false), &mut |_, judgement| {
        assert_eq!(judgement.verdict, Verdict::Pass);
        tests += judgement.tests.len() as u64;
    });
    assert!(done.is_ok(), "{done:?}");
    tests
}
