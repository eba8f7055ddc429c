//! Judging a program by tests of its own entry and prelude, in this process.

use crate::compare::same_output;
use crate::program::{Input, Program, Run, RunOutcome};
use crate::sandbox::Sandbox;
use crate::value::{same_json, same_value};
use crate::verdict::{Judgement, TestResult, Verdict};

/// What a run should give.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// The text on standard output, compared by [`same_output`].
    Output(String),
    /// The value that the function returns, compared by [`same_value`].
    Value(serde_json::Value),
    /// One of these values as JSON text, compared by [`same_json`].
    Json(Vec<String>),
}

/// One test of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What the program gets.
    pub input: Input,
    /// What it should give. It stays on the host.
    pub expected: Expected,
}

/// Judges a program on all tests, in this process. Benchmarks and recipes go through
/// [`Judging`](crate::Judging).
pub fn judge(sandbox: &Sandbox, program: &Program, tests: &[Test]) -> Judgement {
    let inputs: Vec<Input> = tests.iter().map(|test| test.input.clone()).collect();
    let runs = sandbox.run(program, &inputs);
    Judgement::of(runs.iter().zip(tests).map(|(run, test)| judge_run(run, &test.expected)).collect())
}

/// Characters of a wrong answer that are shown.
pub(crate) const SHOWN: usize = 200;

/// Judges one run.
pub(crate) fn judge_run(run: &Run, expected: &Expected) -> TestResult {
    let verdict = verdict(run, expected);
    TestResult { verdict, fuel: run.fuel, peak_memory: run.peak_memory, detail: detail(run, verdict) }
}

fn verdict(run: &Run, expected: &Expected) -> Verdict {
    match &run.outcome {
        RunOutcome::Completed { output } if right(output, expected) => Verdict::Pass,
        RunOutcome::Completed { .. } => Verdict::WrongAnswer,
        RunOutcome::RuntimeError { .. } => Verdict::RuntimeError,
        RunOutcome::CompileError { .. } => Verdict::CompileError,
        RunOutcome::TimeLimit => Verdict::TimeLimit,
        RunOutcome::MemoryLimit => Verdict::MemoryLimit,
        RunOutcome::OutputLimit => Verdict::OutputLimit,
        RunOutcome::UnsupportedImport { .. } => Verdict::UnsupportedImport,
        RunOutcome::UnsupportedPlatform { .. } => Verdict::UnsupportedPlatform,
        RunOutcome::JudgeFailure { .. } => Verdict::JudgeFailure,
    }
}

fn right(output: &str, expected: &Expected) -> bool {
    match expected {
        Expected::Output(text) => same_output(text, output),
        Expected::Value(value) => same_value(value, output),
        Expected::Json(right) => right.iter().any(|text| same_json(text, output)),
    }
}

fn detail(run: &Run, verdict: Verdict) -> String {
    match &run.outcome {
        RunOutcome::Completed { output } if verdict != Verdict::Pass => output.chars().take(SHOWN).collect(),
        RunOutcome::RuntimeError { message }
        | RunOutcome::CompileError { message }
        | RunOutcome::UnsupportedPlatform { message }
        | RunOutcome::JudgeFailure { message } => message.clone(),
        RunOutcome::UnsupportedImport { module } => module.clone(),
        _ => String::new(),
    }
}
