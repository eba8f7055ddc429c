//! Tests that are Python themselves, by what they do with the program's things and give to it: as if both were in one
//! interpreter, but that nothing of the program's is believed.

use assay_sandbox::rows::{Check, Tests};
use assay_sandbox::{Judge, Prelude, Sandbox, Task, Until, Verdict, judge_task};

use crate::common::sandbox;

/// A test without setup and entry.
pub(crate) fn plain(code: &str) -> Check {
    Check {
        setup: String::new(),
        code: code.to_owned(),
        entry: None,
        prelude: Prelude::None,
        functions: Vec::new(),
    }
}

pub(crate) fn verdict(sandbox: &Sandbox, program: &str, check: Check) -> (Verdict, String) {
    let tests = Tests::Checks(vec![check]);
    let task = Task { judge: Judge::Assay, program: program.to_owned(), tests, until: Until::Every };
    let mut results = Vec::new();
    judge_task(sandbox, &task, &mut |result| results.push(result));
    let result = results.remove(0);
    (result.verdict, result.detail)
}

pub(crate) fn expect(cases: &[(&str, &str, Verdict)]) {
    let Some(sandbox) = sandbox() else { return };
    for (program, code, expected) in cases {
        let (found, detail) = verdict(&sandbox, program, plain(code));
        assert_eq!(found, *expected, "{program}\n\n{code}\n\n{detail}");
    }
}

/// The same of tests for an entry.
pub(crate) fn expect_of_entry(entry: &str, cases: &[(&str, &str, Verdict)]) {
    let Some(sandbox) = sandbox() else { return };
    for (program, code, expected) in cases {
        let check = Check { entry: Some(entry.to_owned()), ..plain(code) };
        let (found, detail) = verdict(&sandbox, program, check);
        assert_eq!(found, *expected, "{program}\n\n{code}\n\n{detail}");
    }
}

/// Each of these passes in one interpreter.
#[test]
fn honest_programs_pass() {
    let pass = |(program, code): &(&'static str, &'static str)| (*program, *code, Verdict::Pass);
    expect(&HONEST.iter().map(pass).collect::<Vec<_>>());
}

const HONEST: &[(&str, &str)] = &[
    (
        "def f():\n  total = 0\n  while True:\n    x = yield total\n    if x is None: return 'end'\n    total += x",
        "g = f()\nnext(g)\nassert g.send(3) == 3 and g.send(4) == 7\ntry: g.send(None)\nexcept StopIteration as e: assert e.value == 'end'\nelse: assert 0",
    ),
    (
        "import sys\ndef f(): print('bad', file=sys.stderr)",
        "import io, contextlib\nwith contextlib.redirect_stderr(io.StringIO()) as errors: f()\nassert errors.getvalue() == 'bad\\n'",
    ),
    ("def f(g, *a): return g(*a)", "assert f([1, 2].index, 2) == 1 and f({1: 5}.get, 1) == 5"),
    // Things of the program's are keys.
    (
        "from enum import Enum\nclass C(Enum): A = 1\ndef f(): return {C.A: 1, (C.A, 2): 3}",
        "assert f()[C.A] == 1 and f()[C.A, 2] == 3",
    ),
    (
        "class Node: pass\nclass Graph:\n  def __init__(self): self.next = {}\n  def add(self, node): self.next.setdefault(node, []).append(len(self.next))",
        "graph, node, other = Graph(), Node(), Node()\ngraph.add(node)\ngraph.add(node)\ngraph.add(other)\nassert graph.next[node] == [1, 1]\nassert list(graph.next) == [node, other] and node in graph.next",
    ),
    (
        "class Topic:\n  def __init__(self): self.heard = set()\n  def add(self, f): self.heard.add(f)",
        "topic = Topic()\ndef listen(): pass\ntopic.add(listen)\ntopic.add(listen)\nassert listen in topic.heard and len(topic.heard) == 1",
    ),
    // They are of the library's abstract classes, or not.
    (
        "class L:\n  def __len__(self): return 3\nclass M(list): pass\ndef f(): return 3",
        "import numbers\nfrom collections.abc import Callable, Hashable, Iterable, Sequence, Sized\nassert isinstance(L(), Sized) and isinstance(L(), Hashable)\nassert not isinstance(L(), Iterable) and not isinstance(L(), Callable)\nassert isinstance(M(), Sequence) and isinstance(f(), numbers.Number)",
    ),
    (
        "class Dog: pass",
        "from abc import ABC, abstractmethod\nclass Animal(ABC):\n  @abstractmethod\n  def call(self): pass\nassert not isinstance(Dog(), Animal)",
    ),
    // There is one clock.
    (
        "import time\nclass Cache:\n  def __init__(self, life): self.life, self.held = life, {}\n  def set(self, key, value): self.held[key] = value, time.time() + self.life\n  def get(self, key):\n    value, end = self.held[key]\n    return value if time.time() < end else None",
        "import time\ncache = Cache(.05)\ncache.set('a', 1)\nassert cache.get('a') == 1\ntime.sleep(.06)\nassert cache.get('a') is None",
    ),
    (
        "import time, datetime\ndef rest(): time.sleep(.04)\ndef now(): return time.time()\ndef today(): return datetime.datetime.now()",
        "import time, datetime\nstart = time.time()\nrest()\nassert time.time() - start >= .04\nbefore, at, after = time.time(), now(), time.time()\nassert before <= at <= after\nday = datetime.datetime.now()\nassert day <= today() <= datetime.datetime.now()",
    ),
    (
        "from collections import OrderedDict\ndef f(): return OrderedDict(a=1)",
        "from collections import OrderedDict\nassert f() == {'a': 1} and repr(f()) == \"OrderedDict([('a', 1)])\" and isinstance(f(), OrderedDict)",
    ),
    // What a test replaces in the library is replaced for the program, and put back.
    (
        "import random\ndef f(): return [random.randint(1, 6) for _ in range(2)]",
        "from unittest.mock import patch\nwith patch('random.randint', side_effect=[7, 8]) as drawn: assert f() == [7, 8]\ndrawn.assert_called_with(1, 6)\nassert all(1 <= x <= 6 for x in f())",
    ),
    (
        "import time\ndef f(): return time.time()",
        "import time\nbefore = time.time\ntime.time = lambda: 42\nassert f() == 42\ntime.time = before\nassert f() != 42",
    ),
    (
        "def f(x): print(x, end='!')",
        "from unittest.mock import patch\nwith patch('builtins.print') as shown: f(3)\nshown.assert_called_once_with(3, end='!')",
    ),
    (
        "def f(name):\n  with open(name) as file: return file.read().split()",
        "from unittest.mock import mock_open, patch\nwith patch('builtins.open', mock_open(read_data='a b')) as opened: assert f('x.txt') == ['a', 'b']\nopened.assert_called_once_with('x.txt')",
    ),
    // However it is written, of a class too, and of a module that is imported for it.
    (
        "import time, pathlib\ndef f(): return time.time(), pathlib.Path('/x').exists()",
        "import time; time.time=lambda: 42\nfrom unittest.mock import patch\nwith patch('pathlib.Path.exists', return_value=True): assert f() == (42, True)\nassert f() == (42, False)",
    ),
    (
        "import datetime\ndef f(): return datetime.date.today()",
        "import datetime\nfrom unittest.mock import patch\nreal = datetime.date\nwith patch('datetime.date') as day:\n  day.today.return_value = real(2020, 5, 17)\n  assert f() == real(2020, 5, 17)",
    ),
    // A clock that another function of the test's moves.
    (
        "import time\ndef f():\n  a = time.time()\n  time.sleep(9)\n  return time.time() - a",
        "import time\ndef sleep(s): time.time = lambda: 100 + s\ntime.time, time.sleep = (lambda: 100), sleep\nassert f() == 9",
    ),
    // A mock takes calls, and plain values.
    (
        "def f(c):\n  c.headers = {'a': 1}\n  c.get('u')\n  return c.post('x').status",
        "from unittest.mock import MagicMock\nc = MagicMock()\nc.post.return_value.status = 200\nassert f(c) == 200 and c.headers == {'a': 1}\nc.get.assert_called_once_with('u')",
    ),
    (
        "def mean(xs): return sum(xs) / len(xs)",
        "xs = [.1] * 10\nassert mean(xs) == sum(xs) / len(xs) == 0.09999999999999999",
    ),
    (
        "import json, sys\ndef f(): return json.dumps([1]), sys.argv[1:]",
        "from unittest import mock\nwith mock.patch('json.dumps', return_value='no'), mock.patch('sys.argv', ['p', 'a']): assert f() == ('no', ['a'])\nassert f() == ('[1]', [])",
    ),
    (
        "def f(g):\n  try: g.__globals__['x'] = 4\n  except AttributeError: pass\n  return 3",
        "x = 3\nassert f(lambda y: y) == x == 3",
    ),
    (
        "class E(Exception):\n  def __init__(s, code): super().__init__('bad'); s.code = code\nclass F(E): pass\ndef f(x): raise F(x)",
        "try: f(4)\nexcept E as e: assert e.code == 4 and str(e) == 'bad' and isinstance(e, F)\nelse: assert 0",
    ),
    (
        "class Acc:\n  def __init__(s): s.h = {'a': [1]}\n  def add(s, x): s.h['a'].append(x); return s",
        "a = Acc()\nh = a.h\na.add(2).add(3)\nassert h == {'a': [1, 2, 3]} and a.h is h\nh['b'] = 1\nassert a.h['b'] == 1 and len(a.h) == 2",
    ),
    (
        "def f(xs, key): return sorted(xs, key=key)",
        "calls = []\ndef k(x):\n  calls.append(x)\n  return -x\nassert f([1, 3, 2], k) == [3, 2, 1] and calls == [1, 3, 2]",
    ),
    (
        "def f(g):\n  try: return g()\n  except KeyError as e: return e.args",
        "def g(): raise KeyError('q')\nassert f(g) == ('q',)",
    ),
    (
        "def ask(): return [input('? '), input()]",
        "import io, sys\nsys.stdin = io.StringIO('a\\nb\\n')\nassert ask() == ['a', 'b']",
    ),
    ("def ask():\n  try: return input()\n  except EOFError: return 'end'", "assert ask() == 'end'"),
    (
        "import random\ndef f(): return random.random()",
        "import random\nrandom.seed(5)\na = [f(), f()]\nrandom.seed(5)\nassert a == [random.random(), random.random()]",
    ),
    (
        "class V:\n  def __init__(s,x): s.x=x\n  def __eq__(s,o): return s.x==o.x\n  def __add__(s,o): return V(s.x+o.x)\n  def __rmul__(s,k): return V(k*s.x)\n  def __len__(s): return 2\n  def __getitem__(s,i): return [s.x,s.x][i]\n  def __iter__(s): return iter([s.x]*2)\n  def __call__(s,k): return s.x*k",
        "v = V(3)\nassert 2 * v == V(6) and v + v == V(6) and len(v) == 2 and v[0] == 3 and [*v] == [3, 3] and v(4) == 12 and callable(v) and v",
    ),
    (
        "class S:\n  def __init__(s): s.x = 1\ndef f(): return S()",
        "s = f()\nassert not callable(s) and not hasattr(s, '__len__') and vars(s) == {'x': 1} and type(s).__name__ == 'S' and s.__class__.__name__ == 'S'\ntry: iter(s)\nexcept TypeError: pass\nelse: assert 0",
    ),
    ("def g():\n  x = yield 1\n  yield x", "it = g()\nassert next(it) == 1 and it.send(5) == 5"),
    (
        "def f(m): m['x'] = m.get('x', 0) + 1; return m",
        "from collections import OrderedDict, Counter, defaultdict, deque\nfor k in (OrderedDict, Counter, lambda: defaultdict(list), dict):\n  d = k()\n  assert f(d) is d and d['x'] == 1 and type(d) is type(k())",
    ),
    (
        "def f(): return {1, 2}, [[1], (2, [3])], {'a': {'b': [1]}}",
        "a, b, c = f()\nb[1][1].append(4)\nassert a == {1, 2} and b == [[1], (2, [3, 4])] and c['a']['b'] == [1]",
    ),
    ("x = []\nx.append(x)\ndef f(): return x", "y = f()\nassert y[0] is y"),
    (
        "class E(Exception): pass\ndef f(): raise E",
        "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertRaises(E): f()\n    self.assertEqual(g(2), 4)\nr = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nassert not r.failures and len(r.errors) == 1",
    ),
    (
        "def f(d): d.rotate(1); d.append(9)",
        "from collections import deque\nd = deque([1, 2, 3], 3)\nf(d)\nassert d == deque([1, 2, 9]) and d.maxlen == 3",
    ),
    (
        "def f(g): g[0].append(9); g.append([])",
        "inner = [1]\ng = [inner]\nf(g)\nassert inner == [1, 9] and g == [[1, 9], []]",
    ),
    (
        "class V:\n  def __init__(s, x): s.x = x\n  def __neg__(s): return V(-s.x)\n  def __pow__(s, n): return V(s.x ** n)\n  def __iadd__(s, k): s.x += k; return s\n  def __abs__(s): return abs(s.x)\n  def __float__(s): return s.x / 2\n  def __lt__(s, o): return s.x < o",
        "v = V(3)\nw = v\nv += 5\nassert v is w and (-v).x == -8 and (v ** 2).x == 64 and abs(-v) == 8 and float(v) == 4.0 and v < 9 and not v < 8",
    ),
    (
        "from contextlib import contextmanager\nseen = []\n@contextmanager\ndef f(x):\n  seen.append(x)\n  yield x + 1\n  seen.append('end')",
        "with f(1) as y: assert y == 2\nassert seen == [1, 'end']",
    ),
    (
        "class R:\n  def __init__(s, a): s.a = a\n  def __radd__(s, o): return s.a + o\n  def __eq__(s, o): return s.a == o",
        "assert sum([R(1), R(2)]) == 3 and R(0.5) == 0.5 and R(1) != 2",
    ),
    (
        "def total(n): return 0 if n is None else n.val + total(n.next)",
        "class Node:\n  def __init__(s, v, n=None): s.val, s.next = v, n\nassert total(Node(1, Node(2))) == 3",
    ),
    (
        "import functools\ndef fold(f, xs): return functools.reduce(f, xs)",
        "import operator\nassert fold(operator.mul, [2, 3, 4]) == 24 and fold(max, [2, 3]) == 3",
    ),
    (
        "def show(x): print(x, end='.')",
        "import contextlib, io\nshow(0)\nout = io.StringIO()\nwith contextlib.redirect_stdout(out): show(3)\nshow(4)\nassert out.getvalue() == '3.'",
    ),
    (
        "print('loaded')\ndef f(): print('hi')",
        "import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b): f()\nassert b.getvalue() == 'hi\\n'",
    ),
    (
        "def ask(): return int(input('n? ')) + 1",
        "from unittest.mock import patch\nwith patch('builtins.input', return_value='5') as asked: assert ask() == 6\nasked.assert_called_once_with('n? ')",
    ),
    (
        "class A: pass\ndef f(): return A()",
        "assert type(f()) is A and isinstance(f(), A) and type(1) is int and isinstance(int, type)",
    ),
    (
        "from dataclasses import dataclass, field\n@dataclass\nclass P:\n  x: int\n  y: list = field(default_factory=list)",
        "from dataclasses import asdict, is_dataclass\nassert asdict(P(1)) == {'x': 1, 'y': []} and is_dataclass(P(2))",
    ),
    (
        "import datetime as d\ndef f(): return d.time(3, 4), d.datetime(2024, 1, 1, tzinfo=d.timezone.utc)",
        "import datetime\nassert f() == (datetime.time(3, 4), datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc))",
    ),
    (
        "import re\ndef f(p, v, k): return [bool(p.match('ab')), sum(v), dict(k)]",
        "import re\nassert f(re.compile('A', re.I), {1: 2, 3: 4}.values(), {5: 6}.items()) == [True, 6, {5: 6}]",
    ),
    (
        "class S(frozenset): pass\ndef f(x): return S(x)",
        "assert f([1]) | {2} == {1, 2} and f([1]) & {1} == {1}",
    ),
    (
        "import json\ndef f(): json.loads('{')",
        "import json\ntry: f()\nexcept json.JSONDecodeError: pass\nelse: assert 0",
    ),
    (
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P: x: int",
        "from dataclasses import FrozenInstanceError\np = P(1)\ntry: p.x = 2\nexcept FrozenInstanceError: pass\nelse: assert 0",
    ),
    (
        "def f(e): raise e",
        "try: f(ValueError('x'))\nexcept ValueError as e: assert e.args == ('x',)\nelse: assert 0",
    ),
    (
        "def g():\n  try: yield 1\n  except ValueError as e: yield str(e)",
        "it = g()\nnext(it)\nassert it.throw(ValueError('t')) == 't'",
    ),
    ("def f(): return KeyError('k')", "try: raise f()\nexcept KeyError as e: assert e.args == ('k',)"),
    (
        "from contextlib import contextmanager\nseen = []\n@contextmanager\ndef f():\n  try: yield\n  except ValueError as e: seen.append(str(e))",
        "with f(): raise ValueError('q')\nassert seen == ['q']",
    ),
    (
        "def f(): raise ValueError(['a','b'], (1, 2))",
        "try: f()\nexcept ValueError as e: assert e.args == (['a', 'b'], (1, 2))",
    ),
    (
        "def f(): raise FileNotFoundError(1, 'no', 'file')",
        "try: f()\nexcept FileNotFoundError as e: assert (e.errno, e.filename) == (1, 'file')",
    ),
    (
        "def f(): b'\\xff'.decode()",
        "try: f()\nexcept UnicodeDecodeError as e: assert e.start == 0\nelse: assert 0",
    ),
    (
        "class E(Exception):\n  code = 5\n  def __init__(s, n): super().__init__('bad', n); s.n = n\n  @property\n  def double(s): return 2 * s.n\n  def m(s): return s.n + 1\ndef f(): raise E(4)",
        "try: f()\nexcept E as e: assert (e.n, e.double, e.m(), e.code, e.args) == (4, 8, 5, 5, ('bad', 4))",
    ),
    (
        "def f():\n  yield 1\nclass A: pass",
        "import types, inspect\nassert isinstance(f(), types.GeneratorType) and inspect.isgenerator(f()) and isinstance(f, types.FunctionType) and isinstance(A, type) and not isinstance(A(), type)",
    ),
    (
        "def f():\n  yield 1",
        "from collections.abc import Iterator, Iterable\nassert isinstance(f(), Iterator) and isinstance(f(), Iterable)",
    ),
    ("def f(it): return next(it)", "i = iter([1,2,3])\nassert f(i) == 1 and f(i) == 2 and next(i) == 3"),
    (
        "class A:\n  def __init__(s, x): s.x = x\n  def __pow__(s, n, m): return pow(s.x, n, m)\n  def __rdivmod__(s, o): return divmod(o, s.x)",
        "assert pow(A(2), 3, 5) == 3 and divmod(7, A(2)) == (3, 1)",
    ),
    (
        "from pathlib import Path\nimport uuid\ndef f(): return Path('/a') / 'b', uuid.UUID(int=5)",
        "from pathlib import Path\nimport uuid\nassert f() == (Path('/a/b'), uuid.UUID(int=5))",
    ),
    (
        "class V:\n  def __init__(s, *x): s.x = x\n  def __eq__(s, o): return s.x == o.x\n  def __mul__(s, k): return V(*(k * x for x in s.x))\n  __rmul__ = __mul__\n  @classmethod\n  def zero(c): return c(0, 0)\n  def scale(s, k): return s * k\ndef mk(): return V(1, 1)",
        "assert V.zero() * 2 == V(0,0) and V(1,2).scale(2) * 2 == V(4,8) and 2 * mk() == V(2,2)",
    ),
    (
        "import sys\ndef f(): return sys.stdin.buffer.read()",
        "import io, sys\nsys.stdin = io.StringIO('a b')\nassert f() == b'a b'",
    ),
    (
        "def f(n): return 0 if n == 0 else 1 + f(n - 1)",
        "import sys\nsys.setrecursionlimit(5000)\nassert f(3000) == 3000",
    ),
    (
        "class B(BaseException): pass\ndef f(): raise B('x')",
        "try: f()\nexcept B as e: assert str(e) == 'x'\nelse: assert 0",
    ),
    ("def f(x): return x + 1", "import sys\nassert f(1) == 2\nsys.exit(0)"),
    ("def f(x): return 3\n", "class R:\n  def __eq__(s, o): return o == 3\nassert R() == f(1)"),
    (
        "class E(Exception): pass\ndef f():\n  try: 1 // 0\n  except ZeroDivisionError as e: raise E('x') from e",
        "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertRaisesRegex(E, 'x'): f()\nr = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nassert r.wasSuccessful()",
    ),
    (
        "def f(it): return sum(it)",
        "assert f(x * x for x in range(100)) == 328350 and f(map(int, '123')) == 6 and f(iter([1])) == 1",
    ),
    ("def f(): return iter([1, 2])", "i = f()\nassert [*i] == [1, 2] and [*i] == []"),
];

/// What one interpreter can do and two cannot is no fault of the program, whatever it is.
#[test]
fn what_cannot_be_carried_is_a_failure_of_the_judge() {
    let program = "class Base:\n  def __init__(s): s.x = 1\n  def f(s): return 1";
    expect(&[
        (
            program,
            "class M: pass\nclass D(Base, M):\n  def g(s): return s.f() + 1\nassert D().g() == 2",
            Verdict::JudgeFailure,
        ),
        (program, "match Base():\n  case Base(x=1): pass\n  case _: assert 0", Verdict::JudgeFailure),
    ]);
}

/// Lists that passed once do not stay for good: many calls cost the same each.
#[test]
fn many_calls_cost_no_more_each() {
    let Some(sandbox) = sandbox() else { return };
    let cost = |calls: usize| {
        let code = format!("for i in range({calls}): assert f([i, [i]]) == [[i], i]");
        let check =
            Check { setup: String::new(), code, entry: None, prelude: Prelude::None, functions: Vec::new() };
        let task = Task {
            judge: Judge::Assay,
            program: "def f(x): return x[::-1]".to_owned(),
            tests: Tests::Checks(vec![check]),
            until: Until::Every,
        };
        let mut results = Vec::new();
        judge_task(&sandbox, &task, &mut |result| results.push(result));
        assert_eq!(results[0].verdict, Verdict::Pass, "{results:?}");
        results[0].fuel
    };
    let [some, more, most] = [20, 220, 420].map(cost);
    assert!(most - more < (more - some) * 5 / 4, "{some} {more} {most}");
}

/// Names with a capital are classes, but not where the benchmark itself says that they are functions.
#[test]
fn functions_with_a_capital_are_no_classes() {
    let Some(sandbox) = sandbox() else { return };
    let cheat =
        |name: &str| format!("class {name}:\n  def __init__(s, *a): pass\n  def __eq__(s, o): return True");
    let of = |name: &str, entry: Option<&str>, setup: &str, functions: &[&str]| {
        let code = match entry {
            Some(_) => "def check(c): assert c([1]) == 3".to_owned(),
            None => format!("assert {name}([1]) == 3"),
        };
        let check = Check {
            setup: setup.to_owned(),
            code,
            entry: entry.map(str::to_owned),
            prelude: Prelude::None,
            functions: functions.iter().map(ToString::to_string).collect(),
        };
        verdict(&sandbox, &cheat(name), check).0
    };
    assert_eq!(of("Find_Max", None, "", &[]), Verdict::WrongAnswer);
    assert_eq!(of("Sum", None, "", &["Sum"]), Verdict::WrongAnswer);
    assert_eq!(of("Solve", Some("Solve"), "", &[]), Verdict::WrongAnswer);
    assert_eq!(of("Solve", Some("Solve"), "def Solve(x):\n", &[]), Verdict::WrongAnswer);
    // Nobody says what it is: its class is asked, as the test asks it.
    assert_eq!(of("Sum", None, "", &[]), Verdict::Pass);
}

/// Names of parameters are the program's to choose, whatever the judge calls its own.
#[test]
fn arguments_may_have_any_name() {
    let names = "target operation self thing name names number other cls value values arguments named kind peer message entry code test
        size prompt result left right key keys function method module source text object instance iterable start depth";
    let cases: Vec<(String, String)> = names
        .split_whitespace()
        .map(|name| {
            let program = format!(
                "class Solution:\n  def twice(self_, {name}): return {name} * 2\ndef f({name}, *, b=0, **c): return {name} + b\n\
                 class Box:\n  def __init__(self_, {name}=1): self_.held = {name}\n  def __call__(self_, {name}): return self_.held + {name}"
            );
            let code = format!(
                "assert Solution().twice({name}=4) == 8\nassert f({name}=1, b=2) == 3\nassert Box({name}=5).held == 5\n\
                 assert Box(2)({name}=3) == 5"
            );
            (program, code)
        })
        .collect();
    expect(&cases.iter().map(|(program, code)| (&**program, &**code, Verdict::Pass)).collect::<Vec<_>>());
}

/// The entry is the program's function, even if Python has one of that name; what the test itself calls so is Python's.
#[test]
fn an_entry_may_be_called_as_a_function_of_pythons() {
    let Some(sandbox) = sandbox() else { return };
    for name in ["sum", "max", "len", "sorted", "input", "print"] {
        let judge = |program: &str| {
            let code = "def check(candidate):\n    assert candidate(10, 15) == 25\n    assert len([1]) == 1 and sum([1, 2]) == 3\n";
            verdict(&sandbox, program, Check { entry: Some(name.to_owned()), ..plain(code) }).0
        };
        assert_eq!(judge(&format!("def {name}(a, b):\n    return a + b")), Verdict::Pass, "{name}");
        assert_eq!(judge(&format!("def {name}(a, b):\n    return a - b")), Verdict::WrongAnswer, "{name}");
    }
}

/// The test's setup stands before the program: what it imports and defines is there, but for what the program is to define.
#[test]
fn a_program_finds_what_the_setup_defines() {
    let Some(sandbox) = sandbox() else { return };
    let setup = "import math\nMOD = 10**9 + 7\nfrom typing import *\nexpected = 25\ndef reference(x):\n    return 25\nclass Expected:\n    value = 25\nclass Node:\n    def __init__(self, value=0, next=None):\n        self.value, self.next = value, next\n\ndef twice(x):\n    return 2 * x\n";
    let judge = |program: &str, code: &str| {
        let test = plain(&format!("def check(solve):\n    {code}"));
        let check = Check { setup: setup.to_owned(), entry: Some("solve".to_owned()), ..test };
        verdict(&sandbox, program, check).0
    };
    for (program, code, expected) in [
        ("def solve(x): return math.sqrt(x)", "assert solve(4) == 2", Verdict::Pass),
        (
            "def solve(x: Optional[Node]) -> Node: return Node(x.value + 1, x)",
            "n = Node(1); assert solve(n).value == 2 and solve(n).next is n",
            Verdict::Pass,
        ),
        ("def solve(x): return twice(x)", "assert solve(4) == 8", Verdict::Pass),
        ("def twice(x): return 3 * x\ndef solve(x): return twice(x)", "assert solve(4) == 12", Verdict::Pass),
        // Nothing of what is expected is there, nor the stub of what the program is to define.
        ("def solve(x): return MOD", "assert solve(4) == 1000000007", Verdict::Pass),
        ("def solve(x): return expected", "assert solve(4) == expected", Verdict::RuntimeError),
        ("def solve(x): return Expected.value", "assert solve(4) == 25", Verdict::RuntimeError),
        ("def solve(x): return reference(x)", "assert solve(4) == reference(4)", Verdict::RuntimeError),
        (
            "import sys\nfound = repr(sys._getframe(1).f_locals)\ndef solve(x): return 25 if 'expected = 25' in found else 0",
            "assert solve(4) == expected",
            Verdict::WrongAnswer,
        ),
        ("def other(x): return x", "assert solve(4) is None", Verdict::RuntimeError),
    ] {
        assert_eq!(judge(program, code), expected, "{program}");
    }
    // A prompt is where a completion starts; a program has all that it needs itself.
    let prompt = "from typing import List\n\n\ndef solve(x: List[int]) -> int:\n    \"\"\"Adds.\"\"\"\n";
    let of_prompt = |program: &str| {
        let test = plain("def check(f):\n    assert f([1]) == 1");
        verdict(
            &sandbox,
            program,
            Check { setup: prompt.to_owned(), entry: Some("solve".to_owned()), ..test },
        )
        .0
    };
    assert_eq!(of_prompt("def solve(x: List[int]) -> int: return sum(x)"), Verdict::RuntimeError);
    assert_eq!(of_prompt("def solve(x: list) -> int: return sum(x)"), Verdict::Pass);
}
