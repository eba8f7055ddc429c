//! Sizes and hashes of 64 bits, in an interpreter whose addresses have 32.

use assay_sandbox::rows::{Case, Check, Tests};
use assay_sandbox::{Judge, Prelude, RunOutcome, Task, Until, Verdict, judge_task};

use crate::common::{function, run, sandbox, write};

#[test]
fn sizes_of_64_bits_work_as_elsewhere() {
    write(&[
        (
            "a, b = map(int, input().split())\nprint(len(range(a, b, 3)), len(range(b, a, -7)))",
            "1 5000000000000",
            "1666666666667 714285714286\n",
        ),
        (
            "import bisect\nprint(bisect.bisect_left(range(10**15), 10**20, key=lambda x: x * x))",
            "",
            "10000000000\n",
        ),
        (
            "from bisect import bisect\nprint(bisect([1, 2, 3], 2, hi=3), bisect(range(5 * 10**9), 4 * 10**9))",
            "",
            "2 4000000001\n",
        ),
        (
            "import random\nprint(len({*random.sample(range(10**13), 9)}), random.choice(range(10**13, 10**13 + 1)))",
            "",
            "9 10000000000000\n",
        ),
        (
            "import functools, sys\n@functools.lru_cache(maxsize=sys.maxsize)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(80))",
            "",
            "23416728348467685\n",
        ),
        (
            "import itertools\nprint([*itertools.islice(itertools.count(), 2, 10**11, 10**10)][:1] if 0 else next(itertools.islice(itertools.repeat(4, 10**12), 1, 10**12)))",
            "",
            "4\n",
        ),
        (
            "from collections import deque\nd = deque([1, 2, 3], 10**12)\nd.rotate(10**12 + 1)\nprint(d, isinstance(d, deque))",
            "",
            "deque([2, 3, 1]) True\n",
        ),
        (
            "import sys\nprint(sys.stdin.readline(10**11).strip(), sys.stdin.buffer.read(10**11))",
            "a\nb",
            "a b''\n",
        ),
        ("import os\nprint(os.read(0, 2**40))", "ab", "b'ab'\n"),
        (
            "import sys\nprint('a b c'.split(' ', sys.maxsize), 'aa'.replace('a', 'b', 10**11), [0] * -10**11, 10**11 * '')",
            "",
            "['a', 'b', 'c'] bb [] \n",
        ),
        (
            "from array import array\na = array('l', [2**40, -1])\na.append(2**50)\nprint(sum(a), len(a))",
            "",
            "1126999418470399 3\n",
        ),
        (
            "import struct\nprint(struct.calcsize('l'), struct.unpack('2l', struct.pack('ll', 2**40, -3)), struct.calcsize('<l'))",
            "",
            "8 (1099511627776, -3) 4\n",
        ),
        ("print(len(memoryview(bytearray(32)).cast('l')))", "", "4\n"),
        ("class A:\n  def __len__(self): return 10**10\nprint(len(A()))", "", "10000000000\n"),
    ]);
    // What fails elsewhere too fails in the same way, and what needs more memory than there is has none.
    let Some(sandbox) = sandbox() else { return };
    let outcome = |source: &str| run(&sandbox, source, "").outcome;
    assert_eq!(outcome("print(len([0] * 10**11))"), RunOutcome::MemoryLimit);
    assert!(matches!(outcome("print([1][10**11])"), RunOutcome::RuntimeError { .. }));
    assert!(matches!(
        outcome("list(range(10**11))"),
        RunOutcome::UnsupportedPlatform { .. } | RunOutcome::MemoryLimit
    ));
}

/// The first attempt leaves no trace: neither its output nor what it has read of the input.
#[test]
fn a_program_that_needs_wide_sizes_starts_anew() {
    write(&[(
        "print('once')\na = input()\nprint(len(range(10**11)), a, input())",
        "1\n2",
        "once\n100000000000 1 2\n",
    )]);
    let Some(sandbox) = sandbox() else { return };
    let call = function("def f(n):\n  return len(range(n))", "f");
    let run = sandbox.run(&call, &[assay_sandbox::Input::arguments([40_000_000_000_u64])]).remove(0);
    assert_eq!(run.outcome, RunOutcome::Completed { output: "40000000000".to_owned() });
    let case = |tests| {
        let task = Task {
            judge: Judge::Assay,
            program: "def f(n): return len(range(n))".to_owned(),
            tests,
            until: Until::Every,
        };
        let mut results = Vec::new();
        judge_task(&sandbox, &task, &mut |result| results.push(result.verdict));
        results
    };
    let check = Check {
        setup: String::new(),
        code: "assert f(3) == 3\nassert f(10**12) == 10**12".to_owned(),
        entry: None,
        prelude: Prelude::None,
        functions: Vec::new(),
    };
    assert_eq!(case(Tests::Checks(vec![check])), [Verdict::Pass]);
}

/// The judges of published numbers too: they ran on 64 bits.
#[test]
fn reference_judges_have_wide_sizes() {
    let Some(sandbox) = sandbox() else { return };
    for judge in [Judge::Lcb, Judge::SkyThought] {
        let task = Task {
            judge,
            program: "n = int(input())\nprint(len(range(n)))".to_owned(),
            tests: Tests::Scripts(vec![
                Case::new("7", "7", false),
                Case::new("90000000000", "90000000000", false),
                Case::new("8", "9", false),
            ]),
            until: Until::Every,
        };
        let mut results = Vec::new();
        judge_task(&sandbox, &task, &mut |result| results.push(result.verdict));
        assert_eq!(results, [Verdict::Pass, Verdict::Pass, Verdict::WrongAnswer], "{judge:?}");
    }
}

#[test]
fn hashes_have_64_bits() {
    write(&[
        (
            "print(hash(2**40), hash(-1), hash(2**61 - 1), hash(2**61 - 2), hash(-2**70))",
            "",
            "1099511627776 -2 0 2305843009213693950 -512\n",
        ),
        (
            "print(hash(0.5), hash(1e300), hash(float('inf')), hash(3.0) == hash(3))",
            "",
            "1152921504606846976 1224995262755759164 314159 True\n",
        ),
        (
            "print(hash((1, 2, 3)), hash(()), hash((0.5, (1,))))",
            "",
            "529344067295497451 5740354900026072187 -5712037967665737420\n",
        ),
        (
            "print(hash(range(3)), hash(range(5, 9, 7)) == hash(range(5, 6)), hash(range(10**12)), hash(range(0)) == hash(range(2, 1)))",
            "",
            "-8338477496398685190 True 237804792668848852 True\n",
        ),
        (
            "print(hash(frozenset({1, 2, 3})), hash(None) == hash(None), hash('') == hash(b'') == 0)",
            "",
            "-272375401224217160 True True\n",
        ),
        (
            "from fractions import Fraction\nfrom decimal import Decimal\nprint(hash(Fraction(1, 2)) == hash(0.5) == hash(Decimal('0.5')))",
            "",
            "True\n",
        ),
        (
            "print(len({hash((i, i * i % 1009)) for i in range(20000)}), len({hash(str(i)) for i in range(20000)}))",
            "",
            "20000 20000\n",
        ),
        // Of the program's own.
        (
            "class A:\n  def __hash__(self): return 2**62\nprint(hash(A()), len({A()}))",
            "",
            "4611686018427387904 1\n",
        ),
        ("def hash(x): return 'mine'\nprint(hash(2**40))", "", "mine\n"),
        (
            "class A:\n  def __init__(self, x): self.x = x\n  def __hash__(self): return hash(self.x)\n  def __eq__(self, o): return self.x == o.x\nprint(len({A(1), A(1), A((2, 3))}), list(map(hash, [2**40])))",
            "",
            "2 [1099511627776]\n",
        ),
    ]);
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(&sandbox, "hash([])", "").outcome;
    assert_eq!(
        outcome,
        RunOutcome::RuntimeError { message: "TypeError: unhashable type: 'list' (line 1)".to_owned() }
    );
}

#[test]
fn huge_numbers_that_only_mean_no_limit_are_none() {
    write(&[
        (
            "from collections import deque\nd = deque([1, 2, 3])\nd.rotate(10**15 + 1)\nprint(d)",
            "",
            "deque([2, 3, 1])\n",
        ),
        ("import csv, sys\nprint(csv.field_size_limit(sys.maxsize))", "", "131072\n"),
        ("import os\nprint(os.read(0, 2**31 - 1), os.read(0, 2**40))", "ab", "b'ab' b''\n"),
    ]);
}
