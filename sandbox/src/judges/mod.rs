//! Judges: versioned ways from a program and a problem's tests to verdicts.

mod check;
mod reference;

use serde::{Deserialize, Serialize};

use crate::judge::{Expected, SHOWN, TestResult, Verdict, judge_run};
use crate::program::{Entry, Input, Prelude, Program, Run, RunOutcome};
use crate::rows::{Case, Extraction, Tests};
use crate::sandbox::Sandbox;
use crate::value::is_json;

/// A way to judge. Numbers that were made by different judges cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// Sound: a real standard input, an interpreter as it is, each test in a fresh one, and comparison where
    /// no program can reach it. LiveCodeBench's imports and rules of comparison.
    Assay,
    /// LiveCodeBench's at commit 28fef95, with its flaws: for numbers that were made by it.
    Lcb,
    /// SkyThought's for LiveCodeBench at commit 0d190f1, with its flaws: for numbers that were made by it. It
    /// uses hidden tests only.
    #[serde(rename = "skythought")]
    SkyThought,
}

impl Judge {
    /// All judges.
    pub const ALL: [Judge; 3] = [Judge::Assay, Judge::Lcb, Judge::SkyThought];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Judge::Assay => "assay",
            Judge::Lcb => "lcb",
            Judge::SkyThought => "skythought",
        }
    }

    /// Name and version, for reports and cache keys. The number goes up with every change that may change a
    /// verdict on the same image.
    pub fn version(self) -> &'static str {
        match self {
            Judge::Assay => "assay 1",
            Judge::Lcb => "lcb@28fef95 1",
            Judge::SkyThought => "skythought@0d190f1 1",
        }
    }

    /// How this judge finds the program in a generation.
    pub fn extraction(self) -> Extraction {
        match self {
            Judge::Assay => Extraction::Assay,
            Judge::Lcb => Extraction::LiveCodeBench,
            Judge::SkyThought => Extraction::SkyThought,
        }
    }

    /// The tests that this judge uses: SkyThought's only the hidden ones. If all are public, they are what
    /// there is.
    pub fn tests_used(self, tests: Tests) -> Tests {
        let hidden = |cases: Vec<Case>| {
            let some = self == Judge::SkyThought && cases.iter().any(|case| !case.public);
            cases.into_iter().filter(|case| !(some && case.public)).collect()
        };
        match tests {
            Tests::Scripts(cases) => Tests::Scripts(hidden(cases)),
            Tests::Calls { function, cases } => Tests::Calls { function, cases: hidden(cases) },
            Tests::Checks(checks) => Tests::Checks(checks),
        }
    }

    /// Whether a test's verdict may depend on the tests before it, because one interpreter serves all.
    pub(crate) fn is_stateful(self) -> bool {
        self != Judge::Assay
    }
}

/// A program to be judged: all that the verdicts depend on but image and limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Task {
    /// The judge.
    pub judge: Judge,
    /// The source text.
    pub program: String,
    /// The tests, as the judge [uses](Judge::tests_used) them.
    pub tests: Tests,
}

/// Judges a program on all tests, and tells each result as soon as it is known, in the order of the tests.
///
/// The reference judges stop at the first test that fails; here the tests after it are run in new
/// interpreters, so that there is a result for each.
pub fn judge_task(sandbox: &Sandbox, task: &Task, tell: &mut (dyn FnMut(TestResult) + Send)) {
    match (task.judge, &task.tests) {
        (Judge::Assay, Tests::Scripts(cases)) => {
            for case in cases {
                let input = Input::Text(case.input.clone());
                tell(one(sandbox, &task.program, Entry::Stdin, input, Expected::Output(case.output.clone())));
            }
        }
        (Judge::Assay, Tests::Calls { function, cases }) => {
            for case in cases {
                tell(call(sandbox, &task.program, function, case));
            }
        }
        (Judge::Assay, Tests::Checks(checks)) => {
            for check in checks {
                tell(check::run(sandbox, &task.program, check));
            }
        }
        (Judge::Lcb | Judge::SkyThought, Tests::Checks(checks)) => {
            for _ in checks {
                let message = format!("the judge {} has no tests that are Python", task.judge.name());
                tell(TestResult::failure(message));
            }
        }
        (Judge::Lcb | Judge::SkyThought, tests) => {
            reference::run(sandbox, task.judge, &task.program, tests, tell)
        }
    }
}

/// Calls the function of a program with the arguments of a case, one in JSON on each line.
fn call(sandbox: &Sandbox, program: &str, function: &str, case: &Case) -> TestResult {
    let arguments = case.input.strip_suffix('\n').unwrap_or(&case.input);
    if let Some(line) = arguments.split('\n').find(|line| !arguments.is_empty() && !is_json(line)) {
        let line: String = line.chars().take(SHOWN).collect();
        return TestResult::failure(format!("the test is broken: an argument is no JSON: {line}"));
    }
    if !is_json(&case.output) {
        let output: String = case.output.chars().take(SHOWN).collect();
        return TestResult::failure(format!("the test is broken: its answer is no JSON: {output}"));
    }
    let input = Input::Lines(arguments.to_owned());
    one(sandbox, program, Entry::Function(function.to_owned()), input, Expected::Json(case.output.clone()))
}

fn one(sandbox: &Sandbox, source: &str, entry: Entry, input: Input, expected: Expected) -> TestResult {
    let program = Program { source: source.to_owned(), entry, prelude: Prelude::Benchmark };
    match sandbox.run(&program, &[input]).first() {
        Some(run) => judge_run(run, &expected),
        None => TestResult::failure("the test was not run"),
    }
}

impl TestResult {
    /// A result that says nothing about the program.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        TestResult { verdict: Verdict::JudgeFailure, fuel: 0, peak_memory: 0, detail: message.into() }
    }

    fn of(run: Run, verdict: Verdict, detail: String) -> Self {
        TestResult { verdict, fuel: run.fuel, peak_memory: run.peak_memory, detail }
    }

    /// What an outcome means where nothing is compared.
    fn of_failed(run: Run) -> Self {
        match &run.outcome {
            // It ended its process, which no caller of it survives.
            RunOutcome::Completed { .. } => {
                Self::of(run, Verdict::RuntimeError, "the process exited".to_owned())
            }
            _ => judge_run(&run, &Expected::Output(String::new())),
        }
    }
}
