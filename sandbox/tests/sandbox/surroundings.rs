//! What a program finds around it, as where its standard input is a file: the clock, the input, the modules, and its end.

use assay_sandbox::rows::{Case, Check, Tests};
use assay_sandbox::{
    FUEL_PER_SECOND, Judge, Limits, Prelude, RunOutcome, Sandbox, Task, Until, Verdict, judge_task,
};

use crate::common::{end, image, run, sandbox, script, text};

/// Runs each program on its input; it writes this.
fn write(cases: &[(&str, &str, &str)]) {
    let Some(sandbox) = sandbox() else { return };
    for (source, input, expected) in cases {
        let expected = RunOutcome::Completed { output: (*expected).to_owned() };
        assert_eq!(run(&sandbox, source, input).outcome, expected, "{source}");
    }
}

#[test]
fn what_is_not_flushed_is_written_when_the_program_ends() {
    write(&[
        ("out = open(1, 'w')\nout.write(input())", "a", "a"),
        (
            "import os\ndef main():\n  global out\n  out = os.fdopen(1, 'w')\n  out.write('a')\nmain()",
            "",
            "a",
        ),
        ("import io, sys\nout = io.TextIOWrapper(sys.stdout.buffer)\nprint('a', file=out)", "", "a\n"),
        ("import sys\nprint('a')\nsys.__stdout__ = None\ndel sys.__stderr__", "", "a\n"),
        (
            "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\nprint('é')",
            "",
            "é\n",
        ),
        (
            "import io\nout = io.BufferedWriter(io.FileIO(1, 'wb', closefd=False), 1 << 16)\nout.write(b'a')",
            "",
            "a",
        ),
        (
            "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\nprint('a')\nsys.exit()",
            "",
            "a\n",
        ),
        // Stand-ins without what files have besides.
        (
            "import os, sys\nclass Out:\n  text = ''\n  def write(self, text): self.text += text\n  def flush(self): os.write(1, self.text.encode()); self.text = ''\nsys.stdout = Out()\nprint('a')",
            "",
            "a\n",
        ),
        (
            "import os, sys\nclass Out:\n  def write(self, text): os.write(1, text.encode())\nsys.stdout = Out()\nprint('a')",
            "",
            "a\n",
        ),
        ("import sys\nsys.stdout.write('a')\nsys.stdout = None", "", "a"),
        ("import sys\nsys.stdout.write('a')\nsys.stdout.close()", "", "a"),
        // At the end all that the program holds is given up: what it has is still there for it.
        ("X = 'b'\nclass A:\n  def __del__(self): print(X)\na = A()\nprint('a')", "", "a\nb\n"),
        (
            "import atexit\nclass A:\n  def __del__(self): print('b')\na = A()\na.a = a\natexit.register(print, 'a')",
            "",
            "a\nb\n",
        ),
        ("import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'a')", "", "a\n"),
    ]);
}

#[test]
fn standard_input_is_like_a_file() {
    let long = "x".repeat(300_000);
    write(&[
        ("import os\nprint(os.read(0, os.fstat(0).st_size))", "abc\n", "b'abc\\n'\n"),
        ("import os, stat\nprint(os.fstat(0).st_size, stat.S_ISREG(os.fstat(0).st_mode))", "abc", "3 True\n"),
        ("import os\nprint(len(os.read(0, 10 ** 7)), os.read(0, 1))", &long, "300000 b''\n"),
        ("print(open('/dev/fd/0').read())", "abc", "abc\n"),
        ("print(open('/proc/self/fd/0').read())", "abc", "abc\n"),
        ("import os\nprint(os.path.getsize('/dev/stdin'))", "abc", "3\n"),
    ]);
}

/// Time passes as fuel does, for every clock, and goes on from test to test.
#[test]
fn a_loop_that_watches_the_clock_ends_with_it() {
    let Some(image) = image() else { return };
    let second = Limits { fuel: FUEL_PER_SECOND, ..Limits::default() };
    let sandbox = Sandbox::new(image, second);
    for clock in ["time", "perf_counter", "monotonic", "process_time"] {
        let source = format!(
            "import time\nstart = time.{clock}()\nrounds = 0\nwhile time.{clock}() - start < 0.1:\n  for _ in range(50_000): pass\n  rounds += 1\nprint(5 < rounds < 900)"
        );
        let run = sandbox.run(&script(&source), &[text("")]).remove(0);
        assert_eq!(run.outcome, RunOutcome::Completed { output: "True\n".to_owned() }, "{clock}");
        // A tenth of a second is a tenth of its fuel.
        assert!((FUEL_PER_SECOND / 20..FUEL_PER_SECOND / 8).contains(&run.fuel), "{clock}: {}", run.fuel);
    }
    write(&[(
        "import time\nt = time.time()\ntime.sleep(5)\nprint(5 <= time.time() - t < 5.1)",
        "",
        "True\n",
    )]);
}

#[test]
fn pure_modules_of_python_are_there_and_others_are_no_fault_of_the_program() {
    write(&[
        ("import fileinput\nprint(sum(int(line) for line in fileinput.input()))", "1\n2", "3\n"),
        ("import getopt, colorsys, sre_parse, configparser, cmd", "", ""),
        ("from xml.etree import ElementTree as E\nprint(E.fromstring('<a b=\"1\"/>').get('b'))", "", "1\n"),
        ("try:\n  import numpy\nexcept ImportError:\n  print('a')", "", "a\n"),
    ]);
    let Some(sandbox) = sandbox() else { return };
    let missing = [
        ("import urllib.request", "urllib.request"),
        ("from urllib import request", "urllib.request"),
        ("import imp", "imp"),
        ("from distutils.util import strtobool", "distutils"),
        ("import shelve", "shelve"),
        ("from concurrent.futures import ProcessPoolExecutor", ""),
        ("import concurrent.futures as c\nc.ProcessPoolExecutor()", ""),
        ("import multiprocessing.pool", "multiprocessing"),
        ("import ssl", ""),
        ("'a'.encode('shift_jis')", "encodings.shift_jis"),
        ("b'a'.decode('cp437')", "encodings.cp437"),
        ("import numpy.linalg", "numpy"),
    ];
    for (source, module) in missing {
        match run(&sandbox, source, "").outcome {
            RunOutcome::UnsupportedImport { module: found } => {
                assert!(found.starts_with(module), "{source}: {found}")
            }
            other => panic!("{source}: {other:?}"),
        }
    }
    let own_faults = [
        "import maths",
        "from math import foo",
        "import collections.foo",
        "'a'.encode('nonsense')",
        "raise LookupError('a')",
    ];
    end(&sandbox, &own_faults, |outcome| matches!(outcome, RunOutcome::RuntimeError { .. }));
}

fn verdict(sandbox: &Sandbox, program: &str, tests: Tests) -> (Verdict, String) {
    let task = Task { judge: Judge::Assay, program: program.to_owned(), tests, until: Until::Every };
    let mut results = Vec::new();
    judge_task(sandbox, &task, &mut |result| results.push(result));
    let result = results.remove(0);
    (result.verdict, result.detail)
}

#[test]
fn either_reading_of_a_wrapped_output_is_right() {
    let Some(sandbox) = sandbox() else { return };
    let case = Case { alternative: Some("[3]".to_owned()), ..Case::new("1\n2", "3", false) };
    let tests = || Tests::Calls { function: "f".to_owned(), cases: vec![case.clone()] };
    let of = |value: &str| verdict(&sandbox, &format!("def f(a, b): return {value}"), tests()).0;
    assert_eq!(
        ["a + b", "[a + b]", "(3,)", "[[3]]", "4"].map(of),
        [Verdict::Pass, Verdict::Pass, Verdict::Pass, Verdict::WrongAnswer, Verdict::WrongAnswer]
    );
}

#[test]
fn a_check_may_name_a_method_and_compare_as_evalplus_does() {
    let Some(sandbox) = sandbox() else { return };
    let check = |entry: Option<&str>, setup: &str, code: &str| {
        Tests::Checks(vec![Check {
            setup: setup.to_owned(),
            code: code.to_owned(),
            entry: entry.map(str::to_owned),
            prelude: Prelude::None,
            functions: Vec::new(),
        }])
    };
    let inc = "def check(inc):\n    assert inc(1) == 2\n    assert inc(x=-1) == 0";
    let method = "class Solution:\n  def inc(self, x): return x + 1";
    let stub = "class Solution:\n  def inc(self, x): '''Add one.'''";
    let close = "import numpy as np\nfor x, y in zip([1, 2], [[0.1 + 0.2], [0.6]]):\n  assert np.allclose(f(x), y, rtol=1e-07, atol=1e-06)";
    let cases = [
        (method, check(Some("Solution().inc"), "", inc), Verdict::Pass),
        (method, check(Some("Solution().inc"), stub, inc), Verdict::Pass),
        (
            "class Solution:\n  def inc(self, x): return x",
            check(Some("Solution().inc"), "", inc),
            Verdict::WrongAnswer,
        ),
        ("def inc(x): return x + 1", check(Some("inc"), "def inc(x):\n", inc), Verdict::Pass),
        ("def f(x): return [x * 0.3]", check(None, "", close), Verdict::Pass),
        ("def f(x): return [x * 0.31]", check(None, "", close), Verdict::WrongAnswer),
        (
            "def f(x): return 0.3",
            check(None, "", "import numpy as np\nassert np.array(f(1)).sum() == 1"),
            Verdict::JudgeFailure,
        ),
        ("def inc(x): return x + 1", check(Some("inc"), "Add one.", inc), Verdict::JudgeFailure),
    ];
    for (program, tests, expected) in cases {
        let found = verdict(&sandbox, program, tests);
        assert_eq!(found.0, expected, "{program}: {}", found.1);
    }
}
