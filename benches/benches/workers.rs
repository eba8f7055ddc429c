//! Two worker processes against one. The clock says how much faster two are only where two cores are free: on
//! a busy machine two processes also get twice the share of one. The processor time of a test says on any
//! machine whether workers hinder each other.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::process::Command;

use assay_bench::judging::{ShortProgram, images, lock, sandbox, short_programs};
use assay_bench::{Contender, compare, compare_cpu, cpu_seconds, median, report_load, report_ratio};
use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{
    Entry, Finding, ImageLock, Input, Job, Judge, Judging, JudgingSetup, Limits, Prelude, Program,
    RunOutcome, Sandbox, Task, Tools, Until, Verdict, grade,
};
use assay_store::Store;
use camino::Utf8Path;

fn main() -> Result<(), Box<dyn Error>> {
    // This program is its own worker.
    if std::env::args().any(|argument| argument == "worker") {
        return Ok(assay_sandbox::serve(std::io::stdin().lock(), std::io::stdout())?);
    }
    let limits = Limits::default();
    // It makes the image, which workers find.
    let sandbox = sandbox(limits.clone())?;
    let jobs: Vec<Job> =
        short_programs().iter().map(|program| job(&sandbox, program)).collect::<Result<_, _>>()?;
    let lock = lock()?;
    let contenders = || {
        vec![
            Contender::new("one worker process", || judged(&lock, 1, &jobs)),
            Contender::new("two worker processes", || judged(&lock, 2, &jobs)),
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
    let mut starts: Vec<f64> = (0..5).map(|_| start(&lock, &jobs)).collect();
    println!("  a worker's start and its first program {:>14.1} ms of CPU", median(&mut starts));
    report_load();
    Ok(())
}

/// Milliseconds of processor time of a worker that judges a single program.
fn start(lock: &ImageLock, jobs: &[Job]) -> f64 {
    let before = cpu_seconds();
    judged(lock, 1, jobs.get(..1).unwrap_or_default());
    1e3 * (cpu_seconds() - before)
}

/// Tests that expect what the program gives.
fn job(sandbox: &Sandbox, program: &ShortProgram) -> Result<Job, Box<dyn Error>> {
    let inputs: Vec<Input> = program.inputs.iter().cloned().map(Input::Text).collect();
    let source = Program { source: program.source.clone(), entry: Entry::Stdin, prelude: Prelude::Benchmark };
    let runs = sandbox.run(&source, &inputs);
    let cases = program.inputs.iter().zip(runs).map(|(input, run)| match run.outcome {
        RunOutcome::Completed { output } => Ok(Case::new(input.clone(), output, false)),
        outcome => Err(format!("the sandbox gives {outcome:?} for:\n{}", program.source)),
    });
    let tests = Tests::Scripts(cases.collect::<Result<_, _>>()?);
    let (judge, program) = (Judge::Assay, program.source.clone());
    Ok(Job::Judge(Task { judge, program, tests, until: Until::Every }))
}

/// Judges all jobs with new workers and an empty memo; they have to pass. Gives the number of tests.
fn judged(lock: &ImageLock, workers: usize, jobs: &[Job]) -> u64 {
    let findings = findings(lock, workers, jobs).unwrap_or_else(|error| panic!("{error}"));
    let tests = findings.iter().map(|finding| match finding {
        Finding::Judged(judgement) => {
            assert_eq!(judgement.verdict, Verdict::Pass);
            judgement.tests.len() as u64
        }
        Finding::Graded(_) => 0,
    });
    tests.sum()
}

fn findings(lock: &ImageLock, workers: usize, jobs: &[Job]) -> Result<Vec<Finding>, Box<dyn Error>> {
    let folder = tempfile::TempDir::new()?;
    let path = Utf8Path::from_path(folder.path()).ok_or("the temporary folder's path is not UTF-8")?;
    let store = Store::open(&path.join("store"))?;
    let binary = std::env::current_exe()?;
    let judging = Judging::new(JudgingSetup {
        images: images(),
        python: lock.clone(),
        packages: None,
        math: ImageLock::built_in_math()?,
        tools: Tools::with_python("python3"),
        limits: Limits::default(),
        comparison_limits: grade::limits(),
        worker: Box::new(move || {
            let mut command = Command::new(&binary);
            command.arg("worker");
            command
        }),
        progress: Box::new(|_| {}),
    });
    Ok(judging.run(&store, jobs, workers, &|| false, &|_, _| {})?)
}
