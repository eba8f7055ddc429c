//! Runs do not see each other, whatever a program does, and always give the same.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::common::{function, run, sandbox, script, text};
use assay_sandbox::{Input, Run, RunOutcome, Sandbox};

/// Programs that try to leave something behind, and programs that fail in every way.
const HOSTILE: [&str; 20] = [
    "import sys\nfor name in list(sys.modules): del sys.modules[name]",
    "import builtins\nbuiltins.print = builtins.int = None",
    "import json, gc\njson.loads = json.dumps = lambda *a: 1 / 0\ngc.freeze()",
    "import gc\nfor o in gc.get_objects():\n  try: o.clear()\n  except BaseException: pass",
    "import sys\nf = sys._getframe(1).f_globals\nf['_load'] = f['_call'] = f['_script'] = f['handle'] = lambda *a: b'+'",
    "import sys\nsys.setrecursionlimit(50)\nsys.set_int_max_str_digits(0)\nsys.stdout = sys.stdin = None",
    "import os\nos.close(0); os.close(1); os.close(2)",
    "import os\nos.environ['A'] = 'b'\nos.chdir('/')",
    "import random\nrandom.seed(1)\nrandom.random = lambda: 4",
    "import decimal\ndecimal.getcontext().prec = 2\nimport time\ntime.sleep(10 ** 9)",
    "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    "x = [bytearray(1 << 16) for _ in range(200)]",
    "x = bytes(80 << 20)",
    "while True: pass",
    "a = []\nwhile True: a.append(bytes(1 << 20))",
    "while True: print('x' * 999)",
    "import os\nos.abort()",
    "import os\nos._exit(3)",
    "import json\njson.loads('[' * 10 ** 6)",
    "def f(:",
];

const PROBE: &str = "import sys, gc, random, json, os, time, decimal
print(len(sys.modules), len(gc.get_objects()), random.random(), json.dumps([1]), dict(os.environ), time.time())
print(int('3'), decimal.getcontext().prec, sys.getrecursionlimit(), input(), sys.gettrace(), id(object()))";

/// 200 programs, good and hostile mixed, in one process on two threads: the host lives, every good program
/// gives exactly what it gave alone (output, fuel, memory), every hostile one what it gave before.
#[test]
fn programs_do_not_see_each_other() {
    let Some(sandbox) = sandbox() else { return };
    let alone = run(&sandbox, PROBE, "in");
    assert!(matches!(alone.outcome, RunOutcome::Completed { .. }), "{alone:?}");
    let expected: Vec<Run> = HOSTILE.iter().map(|source| run(&sandbox, source, "in")).collect();
    let worker = |offset: usize| {
        for index in 0..50 {
            let which = (index * 7 + offset) % HOSTILE.len();
            assert_eq!(run(&sandbox, HOSTILE[which], "in"), expected[which], "{}", HOSTILE[which]);
            assert_eq!(run(&sandbox, PROBE, "in"), alone, "after {}", HOSTILE[which]);
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| worker(3));
        worker(0);
        other.join().unwrap();
    });
}

#[test]
fn inputs_of_one_program_do_not_see_each_other() {
    let Some(sandbox) = sandbox() else { return };
    let counter = function(
        "n = 0\ncache = {}\ndef f(x):\n global n\n n += 1\n cache[x] = 1\n return [n, len(cache)]",
        "f",
    );
    let inputs: Vec<Input> = (0..5).map(|x| Input::arguments([x])).collect();
    for run in sandbox.run(&counter, &inputs) {
        assert_eq!(run.outcome, RunOutcome::Completed { output: "[1, 1]".to_owned() });
    }
    let patcher = script("import builtins\nprint(input())\nbuiltins.print = None");
    let outputs: Vec<_> =
        sandbox.run(&patcher, &[text("a"), text("b")]).into_iter().map(|run| run.outcome).collect();
    assert_eq!(outputs, ["a\n", "b\n"].map(|output| RunOutcome::Completed { output: output.to_owned() }));
}

#[test]
fn fuel_is_the_same_in_any_order_on_any_thread_and_in_another_sandbox() {
    let Some(sandbox) = sandbox() else { return };
    let program = function("def f(x):\n    return x*(x+1)-3", "f");
    let inputs: Vec<Input> = (-3..=12).map(|x| Input::arguments([x])).collect();
    let runs = sandbox.run(&program, &inputs);
    let values: Vec<i64> = runs
        .iter()
        .map(|run| match &run.outcome {
            RunOutcome::Completed { output } => output.parse().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(values, (-3..=12).map(|x| x * (x + 1) - 3).collect::<Vec<i64>>());
    let reversed: Vec<Input> = inputs.iter().rev().cloned().collect();
    let mut backwards =
        std::thread::scope(|scope| scope.spawn(|| sandbox.run(&program, &reversed)).join().unwrap());
    backwards.reverse();
    assert_eq!(backwards, runs);
    let other = Sandbox::new(sandbox.image(), sandbox.limits().clone());
    assert_eq!(other.run(&program, &inputs), runs);
}

#[test]
fn without_inputs_nothing_runs() {
    let Some(sandbox) = sandbox() else { return };
    assert!(sandbox.run(&script("print(1)"), &[]).is_empty());
}
