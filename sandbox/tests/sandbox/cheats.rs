//! Programs that try to pass tests in Python by what they give to them.

use assay_sandbox::Verdict;

use crate::checks::expect;

/// What would pass, or reach into the test, if the test believed the program.
#[test]
fn cheats_do_not_pass() {
    use Verdict::{RuntimeError as Error, WrongAnswer as Wrong};
    expect(&[
        // The library computes with no number, no set and no mapping of the program's making.
        (
            "import numbers\nclass Any:\n  def __lt__(s, o): return True\n  __gt__ = __le__ = __ge__ = __lt__\n  def __mul__(s, o): return s\n  __rmul__ = __mul__\nclass E:\n  numerator, denominator = 1, Any()\nnumbers.Rational.register(E)\ndef f(): return E()",
            "from fractions import Fraction\nassert Fraction(1, 3) < f() < Fraction(34, 100)",
            Error,
        ),
        (
            "from collections.abc import Set\nclass S:\n  def __len__(s): return 2\n  def __contains__(s, o): return True\n  def __iter__(s): return iter(())\nSet.register(S)\ndef f(): return S()",
            "from collections import UserDict\nassert f() == UserDict(a=1, b=2).keys()",
            Wrong,
        ),
        (
            "class S:\n  def difference(s, other): return set()\n  def __len__(s): return 3\ndef f(): return S()",
            "import unittest\nunittest.TestCase().assertSetEqual(f(), {31, 41, 59})",
            Wrong,
        ),
        // A mock of the test's answers the test, whatever the program does to it.
        (
            "class Sig:\n  args, kwargs = (), {}\n  def bind(s, *a, **k): return s\ndef f(x):\n  try: print._spec_signature = Sig()\n  except AttributeError: pass\n  print('wrong')",
            "from unittest.mock import patch\nwith patch('builtins.print') as shown: f(3)\nshown.assert_called_once_with(42, end='!')",
            Wrong,
        ),
        (
            "def f(m): m.configure_mock(assert_called_once_with=lambda *a, **k: None)",
            "from unittest.mock import MagicMock\nm = MagicMock()\nf(m)\nm.assert_called_once_with(42)",
            Error,
        ),
        (
            "def f(x):\n  try: print.configure_mock(**{'call_args.__class__.__eq__': lambda *a: True})\n  except AttributeError: pass\n  print('wrong')",
            "from unittest.mock import patch, call\nwith patch('builtins.print') as shown: f(3)\nassert shown.call_args == call(42, end='!')",
            Wrong,
        ),
        (
            "class F:\n  def __getattr__(s, n): return lambda *a, **k: None\ndef f(c):\n  for n in ('execute', 'return_value', 'side_effect', 'call_args', 'assert_called_once_with', '_mock_children', '__class__'):\n    for m in (c, c.__class__):\n      try: setattr(m, n, F())\n      except (AttributeError, TypeError): pass\n  try: c.__class__.configure_mock(c, execute=F())\n  except AttributeError: pass\n  c.execute(1)",
            "from unittest.mock import MagicMock\nc = MagicMock()\nf(c)\nc.execute.assert_called_once_with(2)",
            Wrong,
        ),
        (
            "def f(c):\n  try: return c.return_value\n  except AttributeError: return c.get.call_count",
            "from unittest.mock import MagicMock\nc = MagicMock(return_value=5)\nassert f(c) == 5",
            Error,
        ),
        // Nor is what a function gives made from what the test has put in the place of a class.
        (
            "import datetime\nd = datetime.date(1, 1, 1)\ndef f(): return d",
            "from unittest.mock import patch\nwith patch('datetime.date'): assert f().anything",
            Error,
        ),
        (
            "class B:\n  def __eq__(s,o): return True\n  def pop(s): return s",
            "b = B()\nassert b.pop() == 3",
            Wrong,
        ),
        (
            "class R:\n  def __init__(s,*a): pass\n  def __eq__(s,o): return True\ntotal = R",
            "x = R(1)\nassert total(x) == 3",
            Wrong,
        ),
        (
            "class R:\n  def __init__(s,*a): pass\n  def __eq__(s,o): return True\ntotal = R",
            "assert total(R(1)) == 3",
            Wrong,
        ),
        ("class f:\n  def __init__(s,*a): pass\n  def __eq__(s,o): return True", "assert f(1) == 3", Wrong),
        ("def f(g):\n  return g.gi_frame.f_globals", "def g(): yield 1\nx = f(g())", Error),
        (
            "class A:\n  def __eq__(s, o): return True\n  def __lt__(s, o): return True\n  def __sub__(s, o): return 0\ndef f(x): return [A()]",
            "assert f(1) == [3]",
            Wrong,
        ),
        (
            "class A:\n  def __eq__(s, o): return True\ndef f(x): return {'a': (A(),)}",
            "assert f(1) == {'a': (3,)}",
            Wrong,
        ),
        ("class A:\n  def __lt__(s, o): return True\ndef f(x): return A()", "assert f(1) < 3", Error),
        (
            "class L(list):\n  def __eq__(s, o): return True\n  def __len__(s): return 3\ndef f(x): return L()",
            "assert f(1) == [1, 2, 3]",
            Wrong,
        ),
        (
            "class Q:\n  def __init__(s): s.n = 0\n  def __eq__(s, o): return True\n  def get(s): s.n += 1; return s",
            "q = Q()\nfirst = q.get()\nassert q.get() == 2",
            Wrong,
        ),
        (
            "def f(g):\n  g.__code__ = (lambda x: 4).__code__\n  return 4",
            "g = lambda x: 3\nassert f(g) == g(1)",
            Error,
        ),
        (
            "def f(g):\n  type(g).val = 4\n  return 4",
            "class A: val = 3\na = A()\nassert f(a) == a.val",
            Wrong,
        ),
        (
            "import builtins, sys\nbuiltins.isinstance = lambda *a: True\nsys.modules['__main__']._served.peer.names = {}\ndef f(x): return 'x'",
            "assert isinstance(f(1), int)",
            Error,
        ),
        (
            "import sys\np = sys.modules['__main__']\ndef f(x):\n  p._served.peer._message = lambda v, *a: [['library', 'os', 'system'], [], [], '']",
            "f(1)\nassert f(2) == 3",
            Error,
        ),
        (
            "import sys\np = sys.modules['__main__']\ndef f(x):\n  p._served.peer._message = lambda v, *a: [3, [[2, [7]]], [], '']",
            "x = [1]\nf(x)\nassert x == [2]",
            Wrong,
        ),
        ("E = AssertionError\ndef f(x): raise E('x')", "assert f(1) == 2", Error),
        // Text methods would look into what the test gave.
        (
            "import sys\np = sys.modules['__main__']._served.peer\ndef f(g):\n  form = p.ask('getattr', '{0.__globals__}', 'format')\n  return form(g)",
            "g = lambda: 3\nassert f(g) == 3",
            Error,
        ),
        (
            "import sys\np = sys.modules['__main__']._served.peer\ndef f(g):\n  return p.ask('call', p.ask('type', g), 1)",
            "g = lambda: 3\nassert f(g) == 3",
            Error,
        ),
        (
            "def solve(g): g.check = lambda: True",
            "class G:\n  v = 1\n  def check(s): return s.v == 3\ng = G()\nsolve(g)\nassert g.check()",
            Error,
        ),
        (
            "def f(c): c._member_map_['G'] = c",
            "import enum\nclass C(enum.Enum): R = 1; G = 2\nf(C.R)\nassert C['G'] is C.G",
            Error,
        ),
        (
            "class A:\n  def __sub__(s, o): return s\n  def __abs__(s): return 0\ndef f(x): return A()",
            "assert abs(f(3) - 5) <= 1",
            Error,
        ),
        (
            "class A:\n  def __sub__(s, o): return s\n  x = 0\ndef f(x): return A()",
            "assert (f(3) - 5).x <= 1",
            Error,
        ),
        ("class A:\n  def __sub__(s, o): return 0\ndef f(x): return A()", "assert abs(f(3) - 5) <= 1", Error),
        ("import sys\ndef f(x): sys.exit(0)", "assert f(1) == 2", Error),
    ]);
}
