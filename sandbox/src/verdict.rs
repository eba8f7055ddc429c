//! Verdicts: what is said about a program, on one test and on all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is said about a program, on one test or on all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The answer is right.
    Pass,
    /// The program ran to its end with another answer.
    WrongAnswer,
    /// It raised an exception, exited with a failure or overflowed its stack.
    RuntimeError,
    /// It is not valid Python.
    CompileError,
    /// It used up its fuel.
    TimeLimit,
    /// It ran out of memory.
    MemoryLimit,
    /// It wrote too much.
    OutputLimit,
    /// It imports a module that the image lacks: it would need another judge. No pass, but to be counted
    /// apart.
    UnsupportedImport,
    /// It needs what the judge's platform cannot do, such as threads that wait for each other: it would need another
    /// judge. No pass, but to be counted apart.
    UnsupportedPlatform,
    /// Nothing is known about the program: there were no tests, or the judge failed. Never to be counted as a
    /// wrong answer.
    JudgeFailure,
}

impl Verdict {
    /// Its spelling in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::WrongAnswer => "wrong-answer",
            Verdict::RuntimeError => "runtime-error",
            Verdict::CompileError => "compile-error",
            Verdict::TimeLimit => "time-limit",
            Verdict::MemoryLimit => "memory-limit",
            Verdict::OutputLimit => "output-limit",
            Verdict::UnsupportedImport => "unsupported-import",
            Verdict::UnsupportedPlatform => "unsupported-platform",
            Verdict::JudgeFailure => "judge-failure",
        }
    }
}

/// How a program did on one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The verdict on this test.
    pub verdict: Verdict,
    /// Units of fuel used.
    pub fuel: u64,
    /// Most bytes of linear memory.
    pub peak_memory: u64,
    /// For people: the exception, or the start of a wrong answer. Empty if the verdict says it all.
    pub detail: String,
}

impl TestResult {
    /// A result that says nothing about the program.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        TestResult { verdict: Verdict::JudgeFailure, fuel: 0, peak_memory: 0, detail: message.into() }
    }
}

/// How a program did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// [`Verdict::Pass`] if all tests passed; else the verdict on the first test that the program failed;
    /// else a judge failure, also if there were no tests.
    pub verdict: Verdict,
    /// Results in the order of the tests.
    pub tests: Vec<TestResult>,
}

impl Judgement {
    /// The judgement that these results are.
    pub fn of(tests: Vec<TestResult>) -> Self {
        let failed = |test: &&TestResult| !matches!(test.verdict, Verdict::Pass | Verdict::JudgeFailure);
        let verdict = match tests.iter().find(failed) {
            Some(test) => test.verdict,
            None if !tests.is_empty() && tests.iter().all(|test| test.verdict == Verdict::Pass) => {
                Verdict::Pass
            }
            None => Verdict::JudgeFailure,
        };
        Judgement { verdict, tests }
    }

    /// The first test that explains the verdict, with its number from 0: not merely the first that did not
    /// pass, which may be one that the judge failed on while a later one was answered wrongly. `None` if all
    /// passed or there were none.
    pub fn first_failure(&self) -> Option<(usize, &TestResult)> {
        let explains = |test: &TestResult| test.verdict == self.verdict && test.verdict != Verdict::Pass;
        self.tests.iter().enumerate().find(|(_, test)| explains(test))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn results(verdicts: &[Verdict]) -> Vec<TestResult> {
        let result = |verdict: &Verdict| TestResult {
            verdict: *verdict,
            fuel: 0,
            peak_memory: 0,
            detail: String::new(),
        };
        verdicts.iter().map(result).collect()
    }

    #[test]
    fn a_summary_never_passes_on_nothing_and_never_blames_the_program_for_the_judge() {
        use Verdict::{JudgeFailure, Pass, TimeLimit, WrongAnswer};
        let cases: [(&[Verdict], Verdict); 6] = [
            (&[], JudgeFailure),
            (&[Pass, Pass], Pass),
            (&[Pass, JudgeFailure], JudgeFailure),
            (&[JudgeFailure, WrongAnswer], WrongAnswer),
            (&[Pass, TimeLimit, WrongAnswer], TimeLimit),
            (&[JudgeFailure], JudgeFailure),
        ];
        for (verdicts, expected) in cases {
            let judgement = Judgement::of(results(verdicts));
            assert_eq!(judgement.verdict, expected, "{verdicts:?}");
            let explained = judgement.first_failure().map(|(index, test)| (verdicts[index], test.verdict));
            let failed = expected != Pass && !verdicts.is_empty();
            assert_eq!(explained, failed.then_some((expected, expected)), "{verdicts:?}");
        }
    }

    #[test]
    fn verdicts_have_a_fixed_spelling() {
        use Verdict::{
            CompileError, JudgeFailure, MemoryLimit, OutputLimit, Pass, RuntimeError, TimeLimit,
            UnsupportedImport, UnsupportedPlatform, WrongAnswer,
        };
        for verdict in [
            Pass,
            WrongAnswer,
            RuntimeError,
            CompileError,
            TimeLimit,
            MemoryLimit,
            OutputLimit,
            UnsupportedImport,
            UnsupportedPlatform,
            JudgeFailure,
        ] {
            assert_eq!(serde_json::to_string(&verdict).unwrap(), format!("\"{}\"", verdict.name()));
        }
        assert_eq!(serde_json::from_str::<Verdict>("\"judge-failure\"").unwrap(), JudgeFailure);
    }
}
