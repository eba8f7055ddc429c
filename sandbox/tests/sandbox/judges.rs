//! The judges on programs that show where they differ.

use assay_sandbox::rows::{Case, Check, Tests};
use assay_sandbox::{Judge, Sandbox, Task, TestResult, Until, Verdict, judge_task};

use crate::checks::plain;
use crate::common::sandbox;

fn judged(sandbox: &Sandbox, judge: Judge, program: &str, tests: &Tests) -> Vec<TestResult> {
    let task = Task { judge, program: program.to_owned(), tests: tests.clone(), until: Until::Every };
    let mut results = Vec::new();
    judge_task(sandbox, &task, &mut |result| results.push(result));
    results
}

fn verdicts(sandbox: &Sandbox, judge: Judge, program: &str, tests: &Tests) -> Vec<Verdict> {
    judged(sandbox, judge, program, tests).into_iter().map(|result| result.verdict).collect()
}

fn scripts(cases: &[(&str, &str)]) -> Tests {
    Tests::Scripts(cases.iter().map(case).collect())
}

fn calls(cases: &[(&str, &str)]) -> Tests {
    Tests::Calls { function: "f".to_owned(), cases: cases.iter().map(case).collect() }
}

fn case((input, output): &(&str, &str)) -> Case {
    Case::new(*input, *output, false)
}

/// One test each; the verdicts of the three judges.
#[test]
fn judges_differ_where_the_references_have_flaws() {
    use Verdict::{Pass, RuntimeError as Error, WrongAnswer as Wrong};
    let Some(sandbox) = sandbox() else { return };
    let script = |program: &'static str| (program, scripts(&[("1\n2\n", "3")]));
    let call = |program: &'static str| (program, calls(&[("1\n2", "3")]));
    let cases = [
        (script("print(sum(map(int, open(0))))"), [Pass, Wrong, Wrong]),
        (script("import sys\nprint(sum(int(line) for line in sys.stdin))"), [Pass, Error, Pass]),
        (script("print(int(input()) + int(input()))"), [Pass, Pass, Pass]),
        (script("input()\nimport sys\nprint(1 + int(sys.stdin.read()))"), [Pass, Error, Pass]),
        (script("a = 0\ndef g():\n  global a\n  a = 3\ng()\nprint(a)"), [Pass, Wrong, Pass]),
        (script("print('3.0')"), [Pass, Pass, Wrong]),
        (script("print(sum(map(int, open('/dev/stdin'))))"), [Pass, Wrong, Wrong]),
        (script("print(3)\nexit()"), [Pass, Pass, Error]),
        (script("from __future__ import annotations\nprint(3)"), [Pass, Error, Pass]),
        (script("print(gcd(3, 6), end='')"), [Pass, Pass, Error]),
        (script("print(4)"), [Wrong, Wrong, Wrong]),
        (call("class Solution:\n  def f(self, a, b): return a + b"), [Pass, Pass, Error]),
        (call("# not a class Solution\ndef f(a, b): return a + b"), [Pass, Error, Pass]),
        (call("def f(a, b): return 3.0"), [Pass, Pass, Pass]),
        // Cheats.
        (
            call(
                "def f(a, b): return Any()\nclass Any:\n  def __eq__(self, other): return True\n  def __ne__(self, other): return False",
            ),
            [Wrong, Pass, Pass],
        ),
        (
            call("import sys\ndef f(a, b):\n  return sys._getframe(1).f_locals.get('gt_out')"),
            [Wrong, Pass, Wrong],
        ),
        (
            script(
                "import sys\nfor m in list(sys.modules.values()):\n  if hasattr(m, 'get_stripped_lines'): m.get_stripped_lines = lambda v: []",
            ),
            [Wrong, Pass, Wrong],
        ),
    ];
    for ((program, tests), expected) in cases {
        // A program that does not compile is an error here.
        let found = Judge::ALL.map(|judge| match verdicts(&sandbox, judge, program, &tests)[0] {
            Verdict::CompileError => Error,
            verdict => verdict,
        });
        assert_eq!(found, expected, "{program}");
    }
}

#[test]
fn only_the_reference_judges_carry_state_from_test_to_test() {
    let Some(sandbox) = sandbox() else { return };
    let program = "class Solution:\n  n = 0\n  def f(self, a):\n    self.n += 1\n    return self.n";
    let tests = calls(&[("0", "1"), ("0", "1"), ("0", "1")]);
    use Verdict::{Pass, WrongAnswer};
    assert_eq!(verdicts(&sandbox, Judge::Assay, program, &tests), [Pass; 3]);
    // After the first failure, where the reference stops, a new interpreter goes on.
    assert_eq!(verdicts(&sandbox, Judge::Lcb, program, &tests), [Pass, WrongAnswer, Pass]);
}

#[test]
fn one_limit_for_all_tests_is_skythoughts_rule() {
    let Some(sandbox) = sandbox() else { return };
    // The first test needs more than one test's fuel, all together need less than their number's.
    let program = "n = int(input())\nt = 0\nfor i in range(n): t += i\nprint(n)";
    let mut cases = vec![("1000000", "1000000")];
    cases.resize(6, ("1", "1"));
    let tests = scripts(&cases);
    let one = judged(&sandbox, Judge::Assay, program, &tests)[0].fuel;
    let limits = assay_sandbox::Limits { fuel: one / 4, ..sandbox.limits().clone() };
    let tight = Sandbox::new(sandbox.image(), limits);
    assert_eq!(verdicts(&tight, Judge::Assay, program, &tests)[0], Verdict::TimeLimit);
    assert_eq!(verdicts(&tight, Judge::Lcb, program, &tests)[0], Verdict::TimeLimit);
    assert_eq!(verdicts(&tight, Judge::SkyThought, program, &tests), [Verdict::Pass; 6]);
}

#[test]
fn an_endless_program_uses_up_skythoughts_limit_for_all_tests() {
    let Some(sandbox) = sandbox() else { return };
    let limits = assay_sandbox::Limits { fuel: 100_000_000, ..sandbox.limits().clone() };
    let sandbox = Sandbox::new(sandbox.image(), limits.clone());
    let tests = scripts(&[("", "1"); 20]);
    let program =
        "import sys\nif 'seen' in sys.modules:\n  while True: pass\nsys.modules['seen'] = sys\nprint(1)";
    let results = judged(&sandbox, Judge::SkyThought, program, &tests);
    assert_eq!(results.len(), 20);
    assert_eq!(results[0].verdict, Verdict::Pass);
    for result in &results[1..] {
        assert_eq!(result.verdict, Verdict::TimeLimit);
        assert!(!limits.is_borderline(result));
    }
}

#[test]
fn a_main_guard_runs_in_scripts_only() {
    let Some(sandbox) = sandbox() else { return };
    let guard = "if __name__ == '__main__': print(f(int(input())))";
    let program = format!("def f(x): return x + 1\n{guard}");
    for tests in [scripts(&[("1", "2")]), calls(&[("1", "2")])] {
        assert_eq!(verdicts(&sandbox, Judge::Assay, &program, &tests), [Verdict::Pass]);
    }
    let check = plain("assert f(1) == 2");
    assert_eq!(verdicts(&sandbox, Judge::Assay, &program, &Tests::Checks(vec![check])), [Verdict::Pass]);
}

#[test]
fn tests_that_are_python_are_run_apart_from_the_program() {
    use Verdict::{JudgeFailure as Broken, Pass, RuntimeError as Error, WrongAnswer as Wrong};
    let Some(sandbox) = sandbox() else { return };
    let humaneval =
        "def check(candidate):\n    assert candidate([3, 1]) == [1, 3]\n    assert candidate([]) == []\n";
    let cases: &[(&str, &str, Option<&str>, Verdict)] = &[
        ("def f(x): return sorted(x)", humaneval, Some("f"), Pass),
        ("def f(x): return x", humaneval, Some("f"), Wrong),
        ("def f(x): return x[5]", humaneval, Some("f"), Error),
        ("def g(x): return x", humaneval, Some("f"), Error),
        (
            "def f(x): return (1, {2: {3}}, 2.5, 'é', None, b'x', 1j, 2 ** 80)",
            "assert f(0) == (1, {2: {3}}, 2.5, 'é', None, b'x', 1j, 2 ** 80)",
            None,
            Pass,
        ),
        ("def f(x): return (x for x in range(3))", "assert list(f(0)) == [0, 1, 2]", None, Pass),
        ("def f(x): return map(str, x)", "assert [*f([1, 2])] == ['1', '2']", None, Pass),
        (
            "class Node:\n  def __init__(self, v): self.v, self.next = v, None\ndef total(n): return n.v + (total(n.next) if n.next else 0)",
            "a = Node(1)\na.next = Node(2)\nassert total(a) == 3 and a.next.v == 2",
            None,
            Pass,
        ),
        (
            "class Solution:\n  def f(self, nums, k): return nums[k]",
            "def check(c): assert c(nums=[4, 5], k=1) == 5\ncheck(Solution().f)",
            None,
            Pass,
        ),
        ("def f(x): x.append(1); return x", "a = [0]\nassert f(a) == [0, 1]\nassert a == [0, 1]", None, Pass),
        ("def f(x): x.append(1)", "a = [0]\nf(x=a)\nassert a == [0, 1]", None, Pass),
        ("def f(x): import numpy", "f(1)", None, Verdict::UnsupportedImport),
        (
            "def f(x): raise ValueError('no')",
            "try:\n  f(1)\nexcept ValueError as e:\n  assert str(e) == 'no'\nelse:\n  assert False",
            None,
            Pass,
        ),
        ("def f(x): raise AssertionError", "assert f(1) == 1", None, Error),
        ("def sum(a, b): return a * b", "assert sum(2, 3) == 6", None, Pass),
        // Of two built-in names nobody knows which one is the program's and which one judges it.
        ("def sum(a, b): return [b, a]", "assert sorted(sum(2, 3)) == [2, 3]", None, Broken),
        (
            "class S: pass\ns = S()\ndef set(x): return s",
            "assert set(sorted([3, 1])) == set([4])",
            None,
            Broken,
        ),
        // Things with a value are compared by it, and two things of the program's as it likes.
        (
            "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)",
            "assert f() == (1, 2) and f().y == 2 and [f()] == [(1, 2)] and f() != (1, 3)",
            None,
            Pass,
        ),
        (
            "import enum\nclass C(str, enum.Enum): A = 'a'\nclass N(enum.IntEnum): B = 2\ndef f(): return [C.A, N.B]",
            "assert f() == ['a', 2] and f()[1] < 3 and f()[1] + 1 == 3 and 2 in f()",
            None,
            Pass,
        ),
        ("def f(d): return d.keys()", "assert f({'a': 1}) == {'a'}", None, Pass),
        (
            "from dataclasses import dataclass\n@dataclass(frozen=True, order=True)\nclass P:\n  x: int\n  def __add__(s, o): return P(s.x + o.x)\ndef f(x): return P(x)",
            "assert f(1) == P(1) and P(1) < P(2) and P(1) + P(2) == P(3) and len({P(1), f(1)}) == 1 and P(1) != 1",
            None,
            Pass,
        ),
        (
            "def f(x): return {}['a']",
            "try: f(1)\nexcept KeyError as e: assert str(e) == \"'a'\" and e.args == ('a',)",
            None,
            Pass,
        ),
        (
            "def f(x): return len(x)",
            "assert f(list(range(100000))) == 100000 and f('x' * 70000) == 70000",
            None,
            Pass,
        ),
        (
            "class L(list): pass\nclass D(dict): __getattr__ = dict.__getitem__\ndef f(n): return L(range(n)) if n else D(a=1)",
            "assert f(5)[:3] == [0, 1, 2] and isinstance(f(5), list) and f(0) == {'a': 1} and f(0).a == 1",
            None,
            Pass,
        ),
        (
            "class N(int): pass\ndef f(x): return N(x)",
            "import math\nassert math.isclose(f(2), 2) and 1 + f(2) == 3 and -f(2) == -2 and sum([f(1), f(2)]) == 3 and [7, 8][f(1)] == 8",
            None,
            Pass,
        ),
        (
            "class A: pass\ndef g(a): return a.next",
            "a, b = A(), A()\na.next = b\nassert g(a) is b and a.next is not a",
            None,
            Pass,
        ),
        (
            "def f(x): return sum(x)",
            "assert f(i for i in [1, 2]) == 3 and f(map(int, '12')) == 3",
            None,
            Pass,
        ),
        ("def f(x): return 4", "print('x' * 20000, end='')\nassert f(1) == 4", None, Pass),
        ("def kind(x, t): return isinstance(x, t)", "assert kind(1, int) and not kind(1, str)", None, Pass),
        // Cheats: what would pass if test and program were in one interpreter, and messages that no honest
        // one sends.
        (
            "depth = eval\ndef build(x): return \"__import__('sys').modules['__main__'].__dict__.update(_reply=lambda k, t: b'+')\"",
            "t = build([1, [2]])\nassert depth(t) == 2",
            None,
            Wrong,
        ),
        (
            "run = exec\nclass Box: text = \"__import__('sys').modules['__main__']._reply = lambda k, t: b'+'\"",
            "run(Box().text)\nassert run(1) == 2",
            None,
            Error,
        ),
        (
            "class I(int):\n  def __eq__(s, o): return s is o\n  __hash__ = int.__hash__\ndef f(x): return {I(1), I(1), I(1)}",
            "assert f(0) == {1, 2, 3}",
            None,
            Wrong,
        ),
        ("def f(x): raise StopIteration", "assert all(map(lambda x: f(x) == 1, [1, 2]))", None, Error),
        ("f = ValueError\ndef g(x): return 3", "assert g(f(1)) == 3", None, Pass),
        (
            "class L(list): pass\ndef f(x): return L()",
            "x = f(1)\nx.sort(key=lambda y: y)\nassert x == [1]",
            None,
            Wrong,
        ),
        ("def f(x): return '(('", "import ast\nassert ast.literal_eval(f(1)) == 3", None, Error),
        ("pass", "assert max([1, 2], [3]) == [3] and len([1]) == 1", None, Broken),
        (
            "from fractions import Fraction\nclass R:\n  def as_integer_ratio(s): return (0, 0)\ndef f(x):\n  v = Fraction(0)\n  v._numerator, v._denominator = R(), None\n  return v",
            "assert abs(f(3) - 5) <= 1e-6",
            None,
            Error,
        ),
        (
            "import sys\njudge = sys.modules['__main__']\ndef f(x):\n  judge._served.answer = lambda m: '[\"value\", [\"built-in\", \"eval\"]]'",
            "g = f(1)\nassert f('1 + 1') == 2",
            None,
            Error,
        ),
        (
            "class A:\n  def __abs__(s): return 0\n  def __sub__(s, o): return s\ndef f(x): return A()",
            "assert abs(f(3) - 5) <= 1",
            None,
            Error,
        ),
        (
            "class Any:\n  def __eq__(s, o): return True\ndef f(x): return Any()",
            "assert f(1) == 2",
            None,
            Wrong,
        ),
        (
            "class Any(int):\n  def __eq__(s, o): return True\ndef f(x): return Any(3)",
            "assert f(1) == 2",
            None,
            Wrong,
        ),
        ("import sys\ndef f(x): sys.exit(0)", "assert f(1) == 2", None, Error),
        ("import os\nos._exit(0)", "assert f(1) == 2", None, Error),
        ("import os\ndef f(x): os._exit(0)", "assert f(1) == 2", None, Error),
        ("def set(x): return 0\ndef f(x): return 1", "assert set(f(1)) == set((2, 3))", None, Error),
        (
            "import builtins\nbuiltins.AssertionError = ValueError\nbuiltins.len = lambda x: 2\ndef f(x): return [1]",
            "assert len(f(1)) == 2",
            None,
            Error,
        ),
        ("def check(c): pass\ndef f(x): return 0", humaneval, Some("f"), Wrong),
    ];
    for &(program, code, entry, expected) in cases {
        let check = Check { entry: entry.map(str::to_owned), ..plain(code) };
        let results = judged(&sandbox, Judge::Assay, program, &Tests::Checks(vec![check.clone(), check]));
        assert_eq!(results[0].verdict, expected, "{program}\n{code}\n{results:?}");
        assert_eq!(results[0], results[1], "the same test twice");
    }
}

#[test]
fn a_broken_test_and_an_endless_program_end() {
    let Some(sandbox) = sandbox() else { return };
    let check = |code: &str| Tests::Checks(vec![plain(code)]);
    let program = "def f(x):\n  while x: pass\n  while True: yield x";
    for (code, expected) in [
        ("assert f(", Verdict::JudgeFailure),
        ("import scipy\nassert f(1)", Verdict::JudgeFailure),
        ("f(1)\nimport scipy", Verdict::JudgeFailure),
        ("class B: pass\nclass A(f, B): pass", Verdict::JudgeFailure),
        ("assert 1 == 2", Verdict::JudgeFailure),
        ("next(f(1))", Verdict::TimeLimit),
        ("list(f(0))", Verdict::TimeLimit),
        ("while True: pass", Verdict::TimeLimit),
    ] {
        assert_eq!(verdicts(&sandbox, Judge::Assay, program, &check(code)), [expected], "{code}");
    }
    // The reference judges have no such tests.
    assert_eq!(verdicts(&sandbox, Judge::Lcb, program, &check("f(1)")), [Verdict::JudgeFailure]);
}

#[test]
fn a_result_near_a_limit_is_borderline() {
    let Some(sandbox) = sandbox() else { return };
    let program = "t = 0\nfor i in range(200000): t += i\nprint(t)";
    let tests = scripts(&[("", "19999900000")]);
    let used = judged(&sandbox, Judge::Assay, program, &tests)[0].fuel;
    for (share, verdict, borderline) in [
        (50, Verdict::TimeLimit, false),
        (90, Verdict::TimeLimit, true),
        (110, Verdict::Pass, true),
        (200, Verdict::Pass, false),
    ] {
        let limits = assay_sandbox::Limits { fuel: used * share / 100, ..sandbox.limits().clone() };
        let result =
            judged(&Sandbox::new(sandbox.image(), limits.clone()), Judge::Assay, program, &tests).remove(0);
        assert_eq!((result.verdict, limits.is_borderline(&result)), (verdict, borderline), "{share} %");
    }
}

/// What a program was given does not stay in its interpreter, where one serves all tests.
#[test]
fn inputs_of_earlier_tests_take_no_memory() {
    let Some(sandbox) = sandbox() else { return };
    let text = "x".repeat(4 << 20);
    let tests = scripts(&vec![(text.as_str(), "4194304"); 12]);
    let limits = assay_sandbox::Limits { memory_bytes: 1 << 30, ..sandbox.limits().clone() };
    let sandbox = Sandbox::new(sandbox.image(), limits);
    let results = judged(&sandbox, Judge::Lcb, "print(len(input()))", &tests);
    assert!(results.iter().all(|result| result.verdict == Verdict::Pass), "{results:?}");
    assert!(results[11].peak_memory < results[2].peak_memory + (8 << 20), "{results:?}");
}

/// That one test was refused memory says nothing about the next.
#[test]
fn each_test_has_its_own_reason() {
    let Some(sandbox) = sandbox() else { return };
    let program = "def f(x):\n  if x: raise ValueError\n  try: return len([0] * 10 ** 9)\n  except MemoryError: return 0";
    let found = verdicts(&sandbox, Judge::Lcb, program, &calls(&[("0", "0"), ("1", "0"), ("0", "0")]));
    assert_eq!(found, [Verdict::Pass, Verdict::RuntimeError, Verdict::Pass]);
}

/// Things of the program that travel to a test by number cost the same whatever their number.
#[test]
fn many_things_cost_no_more_each() {
    let Some(sandbox) = sandbox() else { return };
    let cost = |things: usize| {
        let code = format!("assert len(f({things})) == {things}");
        let check = plain(&code);
        let program = "class A: pass\ndef f(n): return [A() for _ in range(n)]";
        let results = judged(&sandbox, Judge::Assay, program, &Tests::Checks(vec![check]));
        assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
        results[0].fuel
    };
    let [none, some, more] = [0, 1000, 4000].map(cost);
    assert!(more - none < 6 * (some - none), "{none} {some} {more}");
}

/// A test whose program is gone is heard no more, and ends.
#[test]
fn a_test_that_goes_on_asking_ends() {
    let Some(sandbox) = sandbox() else { return };
    let code = "import os\ntry: f()\nexcept ConnectionError: pass\nwhile True: os.write(1, b'x' * 65536 + b'\\n'); os.read(0, 1)";
    let check = plain(code);
    let program = "import os\ndef f(): os._exit(3)";
    assert_eq!(
        verdicts(&sandbox, Judge::Assay, program, &Tests::Checks(vec![check])),
        [Verdict::RuntimeError]
    );
}

/// What the host does for a program is paid for like what the program does itself.
#[test]
fn the_hosts_work_costs_fuel() {
    let Some(sandbox) = sandbox() else { return };
    let cost = |program: &str| judged(&sandbox, Judge::Assay, program, &scripts(&[("", "")]))[0].fuel;
    let idle = cost("import os\nfor _ in range(100): pass");
    let random = cost("import os\nfor _ in range(100): os.urandom(60000)");
    let clock = cost("import time\nfor _ in range(100): time.time()");
    assert!(random - idle > 100 * 60_000 * 16, "{random} {idle}");
    assert!(clock - idle > 100 * 2_000, "{clock} {idle}");
}

/// A case of a function that is no JSON is the row's fault.
#[test]
fn a_broken_case_is_no_wrong_answer() {
    let Some(sandbox) = sandbox() else { return };
    let program = "def f(*x): return len(x)";
    let cases = [("1\n2\n", "2"), ("", "0"), ("1\n\n2", "3"), ("abc", "1"), ("1", "one"), ("1", "")];
    let broken = Verdict::JudgeFailure;
    let found = verdicts(&sandbox, Judge::Assay, program, &calls(&cases));
    assert_eq!(found, [Verdict::Pass, Verdict::Pass, broken, broken, broken, broken]);
}

/// SkyThought's limit is for all tests together: a test that takes most of one share is far from it, and tests
/// that together take most of it are near.
#[test]
fn what_is_borderline_depends_on_whose_limit_it_is() {
    let limits = assay_sandbox::Limits { fuel: 1000, ..assay_sandbox::Limits::default() };
    let result = |fuel| TestResult { verdict: Verdict::Pass, fuel, peak_memory: 0, detail: String::new() };
    for (fuels, assay, skythought) in
        [([900, 10, 10], true, false), ([700, 700, 1100], true, true), ([700, 700, 700], false, false)]
    {
        let results = fuels.map(result);
        assert_eq!(limits.is_any_borderline(Judge::Assay, &results), assay, "{fuels:?}");
        assert_eq!(limits.is_any_borderline(Judge::SkyThought, &results), skythought, "{fuels:?}");
    }
}
