//! What becomes of programs, one table of programs and outcomes.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::common::{function, image, limits, run, sandbox, script, text};
use assay_sandbox::{Input, Limits, RunOutcome, Sandbox};

/// Short form of an outcome: `ok TEXT`, `runtime TEXT`, `compile TEXT`, or a word.
fn short(outcome: &RunOutcome) -> String {
    match outcome {
        RunOutcome::Completed { output } => format!("ok {output}"),
        RunOutcome::RuntimeError { message } => format!("runtime {message}"),
        RunOutcome::CompileError { message } => format!("compile {message}"),
        RunOutcome::TimeLimit => "time".to_owned(),
        RunOutcome::MemoryLimit => "memory".to_owned(),
        RunOutcome::OutputLimit => "output".to_owned(),
        RunOutcome::UnsupportedImport { module } => format!("unsupported import: {module}"),
        RunOutcome::UnsupportedPlatform { message } => format!("platform {message}"),
        RunOutcome::JudgeFailure { message } => format!("judge {message}"),
    }
}

/// Runs each program on its input and compares the start of its short outcome.
fn check(cases: &[(&str, &str, &str)]) {
    let Some(sandbox) = sandbox() else { return };
    for (source, input, expected) in cases {
        let run = run(&sandbox, source, input);
        let found = short(&run.outcome);
        assert!(found.starts_with(expected), "{source}\nexpected {expected:?}\nfound    {found:?}");
        assert!(run.fuel > 0 && run.fuel <= limits().fuel * 5 / 4, "{source}: {run:?}");
        assert!(run.peak_memory <= limits().memory_bytes, "{source}: {run:?}");
    }
}

#[test]
fn scripts_have_a_real_standard_input_and_output() {
    check(&[
        ("print(input())", "hello\nrest", "ok hello\n"),
        ("import sys\nfor line in sys.stdin: print(int(line) * 2)", "1\n2\n3", "ok 2\n4\n6\n"),
        (
            "import sys\nprint(sys.stdin.readline().strip(), sys.stdin.read().split())",
            "a\nb c",
            "ok a ['b', 'c']\n",
        ),
        ("import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])", "abc", "ok cba"),
        ("import os\nos.write(1, os.read(0, 3))", "abcdef", "ok abc"),
        ("print(open(0).read())", "xyz", "ok xyz\n"),
        ("if __name__ == '__main__': print('main')", "", "ok main\n"),
        ("print(1, end='')\nexit()", "", "ok 1"),
        ("import sys\nprint(1)\nsys.exit(0)", "", "ok 1\n"),
        ("import atexit\natexit.register(lambda: print('bye'))", "", "ok bye\n"),
        ("input()", "", "runtime EOFError: EOF when reading a line (line 1)"),
        ("print('ä€𝄞')", "", "ok ä€𝄞\n"),
        ("import sys\nsys.stdout.buffer.write(b'\\xff')", "", "ok \u{fffd}"),
        (
            "import sys\nprint(sys.version_info[:2] >= (3, 11), sys.argv, sys.path, __file__)",
            "",
            "ok True ['program.py'] [] /program.py\n",
        ),
    ]);
}

#[test]
fn failures_are_told_apart() {
    check(&[
        ("1/0", "", "runtime ZeroDivisionError: division by zero (line 1)"),
        ("\n\nraise ValueError('x' * 3)", "", "runtime ValueError: xxx (line 3)"),
        ("import numpy", "", "unsupported import: numpy"),
        ("import sys\nsys.exit('bad')", "", "runtime SystemExit: bad"),
        ("import sys\nsys.exit(3)", "", "runtime SystemExit: 3"),
        (
            "class E(Exception):\n def __str__(self): 1/0\nraise E",
            "",
            "runtime E: <exception without a text> (line 3)",
        ),
        ("def f(:\n pass", "", "compile SyntaxError: invalid syntax (line 1)"),
        ("  x = 1", "", "compile IndentationError"),
        ("a = 1\0", "", "compile SyntaxError: source code string cannot contain null bytes"),
        ("return 1", "", "compile SyntaxError: 'return' outside function (line 1)"),
        ("while True: pass", "", "time"),
        ("import re\nre.match('(a+)+$', 'a' * 40 + 'b')", "", "time"),
        ("try:\n while True: pass\nexcept BaseException: print('caught')", "", "time"),
        ("print(7 ** 10 ** 8)", "", "time"),
        ("while True: print('x' * 1000)", "", "output"),
        ("import sys\nwhile True: sys.stderr.write('x' * 1000)", "", "time"),
        ("a = []\nwhile True: a.append(bytes(1 << 20))", "", "memory"),
        ("x = [0] * 10 ** 8", "", "memory"),
        ("x = bytearray(2 ** 31 - 1)", "", "memory"),
        ("def f(): return f()\nf()", "", "runtime RecursionError"),
        (
            "import sys\nsys.setrecursionlimit(10 ** 9)\nclass A:\n def __repr__(s): return repr(s)\nrepr(A())",
            "",
            "runtime RecursionError",
        ),
        ("import json\njson.loads('[' * 10 ** 6)", "", "runtime"),
    ]);
}

#[test]
fn programs_of_every_depth_get_along_with_the_stacks() {
    check(&[
        (
            "import sys\nsys.setrecursionlimit(10 ** 6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(50000))",
            "",
            "ok 50000\n",
        ),
        (
            "import sys, functools\nsys.setrecursionlimit(10 ** 6)\n@functools.lru_cache(None)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(15000))",
            "",
            "ok 15000\n",
        ),
        // Deep native recursion ends in an exception or a trap of the guest, never in the host.
        (
            "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(x): return sorted([1, 2], key=lambda y: f(x))\nf(1)",
            "",
            "runtime",
        ),
        ("import re\nre.compile('(' * 5000 + ')' * 5000)", "", "runtime"),
    ]);
}

#[test]
fn the_parser_and_compiler_are_limited_too() {
    let nested = format!("x = {}1{}", "(".repeat(500), ")".repeat(500));
    let signs = format!("x = {}1", "-".repeat(100_000));
    let Some(sandbox) = sandbox() else { return };
    for source in [&nested, &signs] {
        let run = run(&sandbox, source, "");
        assert!(matches!(run.outcome, RunOutcome::CompileError { .. }), "{run:?}");
    }
}

#[test]
fn nothing_of_the_host_can_be_reached() {
    check(&[
        ("print(open('/etc/passwd').read())", "", "runtime FileNotFoundError"),
        ("import os\nprint(os.listdir('/'))", "", "runtime FileNotFoundError"),
        ("open('/tmp/x', 'w')", "", "platform files that can be written"),
        ("import os\nos.mkdir('/a')", "", "platform files that can be written"),
        ("import os\nos.remove('/etc/passwd')", "", "platform files that can be written"),
        ("import os\nprint(os.environ, os.getcwd())", "", "ok environ({}) /\n"),
        ("import os\nprint([os.read(fd, 9) for fd in range(3, 9)])", "", "runtime OSError"),
        ("import subprocess\nsubprocess.run(['ls'])", "", "runtime OSError"),
        ("import os\nos.system('ls')", "", "runtime AttributeError"),
        ("import os\nos.fork()", "", "runtime AttributeError"),
        ("import os\nos.kill(1, 9)", "", "runtime AttributeError"),
        ("import socket\nsocket.socket()", "", "runtime OSError"),
        ("import socket\nsocket.create_connection(('192.0.2.1', 80))", "", "runtime"),
        ("import socket\nprint(socket.gethostbyname('localhost'))", "", "runtime"),
        ("import ctypes", "", "unsupported import: "),
        ("import mmap", "", "unsupported import: "),
        (
            "import threading\nthreading.Thread(target=print).start()",
            "",
            // It runs to its end when it is started.
            "ok \n",
        ),
        ("import os\nos._exit(7)", "", "runtime the process exited with a failure"),
        ("import os\nprint('lost')\nos._exit(0)", "", "ok "),
        ("import os\nos.abort()", "", "runtime the interpreter aborted"),
        (
            "import sys\nf = sys._getframe()\nwhile f.f_back: f = f.f_back\nprint(sorted(f.f_locals))",
            "",
            "ok ['body', 'kind', 'request']\n",
        ),
    ]);
}

#[test]
fn clocks_and_randomness_are_virtual() {
    check(&[
        ("import time\nprint(time.strftime('%Y-%m-%d %H:%M'))", "", "ok 2024-01-01 00:00\n"),
        // Sleeping moves the clock and costs nothing; waiting in a loop ends.
        (
            "import time\nt = time.time()\ntime.sleep(10 ** 6)\nprint(time.time() - t > 10 ** 6)",
            "",
            "ok True\n",
        ),
        (
            "import time\nt = time.monotonic()\nwhile time.monotonic() < t + 0.5: pass\nprint('ended')",
            "",
            "ok ended\n",
        ),
        ("print(hash('a') == hash('a'), {'b', 'a', 'c'})", "", "ok True {"),
    ]);
    let Some(sandbox) = sandbox() else { return };
    let source = "import random, os, time\nprint(random.random(), os.urandom(8), time.time(), hash('a'), id(object()))";
    assert_eq!(run(&sandbox, source, ""), run(&sandbox, source, ""));
}

#[test]
fn functions_are_called_with_typed_arguments_and_give_typed_values() {
    let Some(sandbox) = sandbox() else { return };
    let cases: [(&str, &[serde_json::Value], &str); 12] = [
        ("def f(x):\n    return x*(x+1)-3", &[7.into()], "ok 53"),
        ("def f(a, b=2): return [a, b]", &["x".into()], "ok [\"x\", 2]"),
        (
            "f = lambda d: {**d, 'n': None, 't': (1, 2.5)}",
            &[serde_json::json!({"k": [true]})],
            "ok {\"k\": [true], \"n\": null, \"t\": [1, 2.5]}",
        ),
        ("print('noise')\ndef f(): return 10 ** 20", &[], "ok 100000000000000000000"),
        ("def f(): return 1 << 100000", &[], "ok 99900209301438450794403"),
        ("def f(): return {1, 2}", &[], "ok not JSON: {1, 2}"),
        ("def f(): return float('nan')", &[], "ok NaN"),
        ("def g(): return 1", &[], "runtime NameError: the program defines no function 'f'"),
        ("def f(x): return x", &[], "runtime TypeError"),
        ("def f(): exit()", &[], "runtime SystemExit"),
        ("1/0\ndef f(): return 1", &[], "runtime ZeroDivisionError: division by zero (line 1)"),
        ("f = ", &[], "compile SyntaxError"),
    ];
    for (source, arguments, expected) in cases {
        let run = sandbox.run(&function(source, "f"), &[Input::Arguments(arguments.to_vec())]).remove(0);
        let found = short(&run.outcome);
        assert!(found.starts_with(expected), "{source}\nexpected {expected:?}\nfound    {found:?}");
    }
    let run = sandbox.run(&function("def f(): return 1", "f"), &[text("1")]).remove(0);
    assert!(matches!(run.outcome, RunOutcome::JudgeFailure { .. }), "{run:?}");
}

#[test]
fn the_watchdog_blames_the_judge() {
    let Some(image) = image() else { return };
    let wall = std::time::Duration::from_millis(200);
    let sandbox = Sandbox::new(image, Limits { fuel: u64::MAX, wall, ..limits() });
    let run = run(&sandbox, "while True: pass", "");
    assert!(matches!(run.outcome, RunOutcome::JudgeFailure { .. }), "{run:?}");
}

#[test]
fn a_limit_that_cannot_be_kept_is_a_failure_of_the_judge() {
    let Some(image) = image() else { return };
    let sandbox = Sandbox::new(image, Limits { memory_bytes: 1 << 40, ..limits() });
    let runs = sandbox.run(&script("print(1)"), &[text(""), text("")]);
    assert_eq!(runs.len(), 2);
    assert!(matches!(runs[0].outcome, RunOutcome::JudgeFailure { .. }), "{runs:?}");
}

#[test]
fn a_program_right_at_its_fuel_completes_and_one_unit_less_does_not() {
    let Some(image) = image() else { return };
    let source = "print(sum(range(1000)))";
    let fuel = run(&Sandbox::new(image, limits()), source, "").fuel;
    let with = |fuel| run(&Sandbox::new(image, Limits { fuel, ..limits() }), source, "").outcome;
    assert_eq!(short(&with(fuel)), "ok 499500\n");
    assert_eq!(with(fuel - 1000), RunOutcome::TimeLimit);
}

#[test]
fn limits_describe_what_verdicts_depend_on() {
    let limits = Limits { fuel: 1, memory_bytes: 2, output_bytes: 3, ..Limits::default() };
    assert_eq!(limits.describe(), "fuel=1 memory=2 output=3");
    assert_eq!(serde_json::json!(limits.describe()).as_str().unwrap(), limits.describe());
}

/// It is no part of Python, but sites of contests have it. Where Python finds its own modules is nothing to programs.
#[test]
fn sorted_containers_are_there() {
    check(&[
        (
            "from sortedcontainers import SortedList, SortedDict, SortedSet\na = SortedList([3, 1, 2], key=lambda x: -x)\na.add(5)\n\
             print(a, a.bisect_left(2), SortedDict(b=1, a=2), SortedSet('cab'), [*SortedList([2, 1]).irange(2)])",
            "",
            "ok SortedKeyList([5, 3, 2, 1], key=<function <lambda> at ",
        ),
        ("import sortedcontainers, sys\nprint(sortedcontainers.__version__, sys.path)", "", "ok 2.4.0 []\n"),
        ("import sortedcontainers.nothing", "", "runtime ModuleNotFoundError"),
    ]);
}
