//! Verdicts on programs with tests.

use crate::common::{function, sandbox, script, text};
use assay_sandbox::rows::{Case, Tests};
use assay_sandbox::{
    Expected, Input, Judge, Judgement, Sandbox, Task, Test, Until, Verdict, judge, judge_task,
};

fn io_test(input: &str, output: &str) -> Test {
    Test { input: text(input), expected: Expected::Output(output.to_owned()) }
}

fn value_test(x: i64, value: i64) -> Test {
    Test { input: Input::arguments([x]), expected: Expected::Value(value.into()) }
}

#[test]
fn every_verdict_is_reached() {
    let Some(sandbox) = sandbox() else { return };
    let cases = [
        ("print(int(input()) * 2)", Verdict::Pass),
        ("print(int(input()) + 2)", Verdict::WrongAnswer),
        ("print('6')", Verdict::WrongAnswer),
        ("1/0", Verdict::RuntimeError),
        ("import os\nos._exit(1)", Verdict::RuntimeError),
        ("print(", Verdict::CompileError),
        ("while True: pass", Verdict::TimeLimit),
        ("x = [0] * 10 ** 8", Verdict::MemoryLimit),
        ("while True: print('6' * 1000)", Verdict::OutputLimit),
    ];
    let tests = [io_test("2\n", "4"), io_test("3\n", "6\n")];
    for (source, expected) in cases {
        let judgement = judge(&sandbox, &script(source), &tests);
        assert_eq!(judgement.verdict, expected, "{source}: {judgement:?}");
        assert_eq!(judgement.tests.len(), 2);
        assert!(judgement.tests.iter().all(|test| test.fuel > 0));
    }
    assert_eq!(judge(&sandbox, &script("print(1)"), &[]).verdict, Verdict::JudgeFailure);
    let misfit = [value_test(1, 1)];
    assert_eq!(judge(&sandbox, &script("print(1)"), &misfit).verdict, Verdict::JudgeFailure);
}

#[test]
fn results_say_which_test_failed_and_how() {
    let Some(sandbox) = sandbox() else { return };
    let program = function("def f(x):\n    return x * x if x < 3 else [][x]", "f");
    let tests = [value_test(1, 1), value_test(2, 5), value_test(3, 9), value_test(2, 4)];
    let judgement = judge(&sandbox, &program, &tests);
    let found: Vec<(Verdict, &str)> =
        judgement.tests.iter().map(|test| (test.verdict, test.detail.as_str())).collect();
    assert_eq!(
        found,
        [
            (Verdict::Pass, ""),
            (Verdict::WrongAnswer, "4"),
            (Verdict::RuntimeError, "IndexError: list index out of range (line 2)"),
            (Verdict::Pass, ""),
        ]
    );
    assert_eq!(judgement.verdict, Verdict::WrongAnswer);
}

/// Under every judge the tests after the first failure are left out, and the verdict and the results before
/// are those of a judge that runs all. A test on which the judge fails ends nothing.
#[test]
fn tests_end_at_the_first_failure_if_that_is_enough() {
    let Some(sandbox) = sandbox() else { return };
    let case = |(input, output): (&str, &str)| Case::new(input.to_owned(), output.to_owned(), false);
    let judged = |sandbox: &Sandbox, judge, program: &str, cases: &[(&str, &str)], until| {
        let tests =
            Tests::Calls { function: "f".to_owned(), cases: cases.iter().copied().map(case).collect() };
        let task = Task { judge, program: program.to_owned(), tests, until };
        let mut results = Vec::new();
        judge_task(sandbox, &task, &mut |result| results.push(result));
        Judgement::of(results)
    };
    let square = "def f(x):\n    return x * x if x < 3 else [][x]";
    for judge in Judge::ALL {
        let cases = [("1", "1"), ("2", "5"), ("3", "9"), ("2", "4")];
        let every = judged(&sandbox, judge, square, &cases, Until::Every);
        assert_eq!(every.tests.len(), 4);
        let stopped = judged(&sandbox, judge, square, &cases, Until::FirstFailure);
        assert_eq!((stopped.verdict, &stopped.tests[..]), (every.verdict, &every.tests[..2]), "{judge:?}");
        let passed = judged(&sandbox, judge, square, &[("1", "1"), ("2", "4")], Until::FirstFailure);
        assert_eq!((passed.verdict, passed.tests.len()), (Verdict::Pass, 2), "{judge:?}");
        let broken = judged(&sandbox, judge, "def f(", &cases, Until::FirstFailure);
        assert_eq!(broken.tests.len(), 1, "{judge:?}");
    }
    let cases = [("1", "no JSON"), ("2", "4"), ("3", "9"), ("2", "4")];
    let judgement = judged(&sandbox, Judge::Assay, square, &cases, Until::FirstFailure);
    let found: Vec<Verdict> = judgement.tests.iter().map(|test| test.verdict).collect();
    assert_eq!(found, [Verdict::JudgeFailure, Verdict::Pass, Verdict::RuntimeError]);
    assert_eq!(judgement.verdict, Verdict::RuntimeError);
}

/// A program cannot get at the expected value: it is compared on the host. What it can do is answer with
/// objects that claim to be equal to anything, look for the answer in the interpreter, or break the
/// comparison there.
#[test]
fn no_cheat_passes() {
    let Some(sandbox) = sandbox() else { return };
    let cheats = [
        "class A(int):\n def __eq__(self, other): return True\n __hash__ = int.__hash__\ndef f(x): return A(1)",
        "class A:\n def __eq__(self, other): return True\ndef f(x): return A()",
        "class A(str):\n def __repr__(self): return '41'\ndef f(x): return A('x')",
        "class A:\n def __repr__(self): return '41'\ndef f(x): return A()",
        "def f(x): return True",
        "import json\njson.dumps = lambda *a, **k: '[41]'\ndef f(x): return []",
        "import sys\ndef f(x):\n  g = sys._getframe(1).f_globals\n  g['_reply'] = lambda *a: b'pass'\n  raise ValueError",
        "import gc, sys\ndef f(x):\n  seen = [o for o in gc.get_objects() if isinstance(o, dict) and 'expected' in o]\n  return seen[0]['expected'] if seen else 0",
        "import os\ndef f(x):\n  os._exit(0)",
    ];
    for source in cheats {
        let judgement = judge(&sandbox, &function(source, "f"), &[value_test(1, 41)]);
        assert_ne!(judgement.verdict, Verdict::Pass, "{source}: {judgement:?}");
        assert_ne!(judgement.verdict, Verdict::JudgeFailure, "{source}: {judgement:?}");
    }
    // The positive control: the same test passes for a program that answers.
    assert_eq!(
        judge(&sandbox, &function("def f(x): return 41", "f"), &[value_test(1, 41)]).verdict,
        Verdict::Pass
    );
}
