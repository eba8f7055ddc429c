//! Verdicts on programs with tests.

use crate::common::{function, sandbox, script, text};
use assay_sandbox::{Expected, Input, Test, Verdict, judge, judge_until_failure};

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
    let stopped = judge_until_failure(&sandbox, &program, &tests);
    assert_eq!(stopped.verdict, judgement.verdict);
    assert_eq!(stopped.tests, judgement.tests[..2]);
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
