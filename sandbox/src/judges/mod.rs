//! Judges: versioned ways from a program and a problem's tests to verdicts.

mod borderline;
mod check;
mod reference;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::judge::{Expected, SHOWN, judge_run};
use crate::program::{Entry, Input, Prelude, Program, Run, RunOutcome};
use crate::rows::{Case, Extraction, Tests};
use crate::sandbox::Sandbox;
use crate::value::{is_comparable, is_json};
use crate::verdict::{TestResult, Verdict};

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

/// How far the tests of a program are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// All are run: there is a result for each.
    #[default]
    Every,
    /// Those after the first that the program fails are not run. The verdict is the same: it is that of the
    /// first failed test. A failure of the judge on a test ends nothing.
    FirstFailure,
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
    /// Whether the tests after the first failure are run.
    #[serde(default)]
    pub until: Until,
}

impl Task {
    /// Whether nothing is left to run after these results, which are those of the first tests.
    pub(crate) fn is_done(&self, results: &[TestResult]) -> bool {
        results.len() >= self.tests.len() || results.last().is_some_and(|last| self.until.ends_with(last))
    }
}

impl Until {
    /// Its spelling in keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Until::Every => "every",
            Until::FirstFailure => "first-failure",
        }
    }

    fn ends_with(self, result: &TestResult) -> bool {
        self == Until::FirstFailure && !matches!(result.verdict, Verdict::Pass | Verdict::JudgeFailure)
    }
}

/// Takes the result of each test; `Break` says that no more are wanted.
type Tell<'a> = dyn FnMut(TestResult) -> ControlFlow<()> + Send + 'a;

/// Judges a program, and tells each result as soon as it is known, in the order of the tests.
///
/// The reference judges stop at the first test that fails; under [`Until::Every`] the tests after it are run
/// in new interpreters, so that there is a result for each.
pub fn judge_task(sandbox: &Sandbox, task: &Task, tell: &mut (dyn FnMut(TestResult) + Send)) {
    let mut told = 0;
    let mut one = |result: TestResult| {
        let over = task.until.ends_with(&result);
        told += 1;
        tell(result);
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let judged = match (task.judge, &task.tests) {
        (Judge::Assay, Tests::Checks(checks)) => {
            Ok(checks.iter().try_for_each(|test| one(check::run(sandbox, &task.program, test))))
        }
        (Judge::Assay, Tests::Scripts(cases)) => {
            sandbox.on_guest_thread(1, || cases_alone(sandbox, &task.program, None, cases, &mut one))
        }
        (Judge::Assay, Tests::Calls { function, cases }) => sandbox
            .on_guest_thread(1, || cases_alone(sandbox, &task.program, Some(function), cases, &mut one)),
        (Judge::Lcb | Judge::SkyThought, Tests::Checks(_)) => {
            Err(format!("the judge {} has no tests that are Python", task.judge.name()))
        }
        (Judge::Lcb | Judge::SkyThought, tests) => {
            reference::run(sandbox, task.judge, &task.program, tests, &mut one)
        }
    };
    let message = match judged {
        Ok(ControlFlow::Break(())) => return,
        Ok(ControlFlow::Continue(())) => "a test gave no result".to_owned(),
        Err(message) => message,
    };
    for _ in told..task.tests.len() {
        tell(TestResult::failure(message.clone()));
    }
}

/// Runs each case in an interpreter of its own: the program is a script, or its function is called.
fn cases_alone(
    sandbox: &Sandbox,
    source: &str,
    function: Option<&String>,
    cases: &[Case],
    tell: &mut Tell<'_>,
) -> ControlFlow<()> {
    let entry = function.map_or(Entry::Stdin, |name| Entry::Function(name.clone()));
    let program = Program { source: source.to_owned(), entry, prelude: Prelude::Benchmark };
    cases.iter().try_for_each(|case| {
        let test = match function {
            Some(_) => call(case),
            None => Ok((Input::Text(case.input.clone()), Expected::Output(case.output.clone()))),
        };
        tell(match test {
            Ok((input, expected)) => judge_run(&sandbox.one(&program, &input), &expected),
            Err(message) => TestResult::failure(message),
        })
    })
}

/// The arguments of a call, one in JSON on each line, and the expected value; or what is wrong with the test.
fn call(case: &Case) -> Result<(Input, Expected), String> {
    let arguments = case.input.strip_suffix('\n').unwrap_or(&case.input);
    if let Some(line) = arguments.split('\n').find(|line| !arguments.is_empty() && !is_json(line)) {
        let line: String = line.chars().take(SHOWN).collect();
        return Err(format!("the test is broken: an argument is no JSON: {line}"));
    }
    if !is_comparable(&case.output) {
        let output: String = case.output.chars().take(SHOWN).collect();
        return Err(format!("the test is broken: its answer is no JSON, or nested too deep: {output}"));
    }
    let right = [Some(&case.output), case.alternative.as_ref()].into_iter().flatten().cloned();
    Ok((Input::Lines(arguments.to_owned()), Expected::Json(right.collect())))
}

impl TestResult {
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
