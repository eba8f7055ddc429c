//! What tests of published benchmarks do to programs besides calling them: they make exceptions, set methods and names, replace them by
//! mocks, and look at contexts, types and records.

use assay_sandbox::Verdict::{Pass, RuntimeError, UnsupportedImport, UnsupportedPlatform, WrongAnswer};

use crate::checks::expect;

/// Where a test calls them: elsewhere the program would have been judged for it.
#[test]
fn what_the_platform_lacks_is_named_inside_of_functions_too() {
    expect(&[
        ("def f(): open('/tmp/q','w').write('x'); return 1", "assert f()==1", UnsupportedPlatform),
        ("def f():\n import gzip\n return 1", "assert f()==1", UnsupportedImport),
        (
            "def f():\n  raise ImportError('mine')",
            "try: f()\nexcept ImportError as e: assert str(e)=='mine'\nelse: assert 0",
            Pass,
        ),
    ]);
}

/// By a test too, with their own `__init__`, attributes and methods.
#[test]
fn exceptions_of_the_program_are_made_by_its_classes() {
    expect(&[
        (
            "class E(Exception):\n  'Doc'\n  default='d'\n  def __init__(s,msg,code=0): super().__init__(msg); s.code=code\n  def twice(s): return s.code*2\n  @property\n  def big(s): return s.code>3\n  def __str__(s): return f'{s.args[0]}!{s.code}'",
            "e=E(\"m\",5)\nassert e.code==5 and str(e)==\"m!5\" and e.twice()==10 and e.big and e.args==(\"m\",) and isinstance(e,E) and isinstance(e,Exception)\nassert E(\"m\",code=7).code==7 and E(\"x\").code==0\nassert E.default==\"d\"",
            Pass,
        ),
        (
            "class E(Exception):\n  'Doc'\n  default='d'\n  def __init__(s,msg,code=0): super().__init__(msg); s.code=code\n  def twice(s): return s.code*2\n  @property\n  def big(s): return s.code>3\n  def __str__(s): return f'{s.args[0]}!{s.code}'\ndef f(g):\n  try: g()\n  except E as e: return e.code",
            "from unittest.mock import Mock\nassert f(Mock(side_effect=E(\"a\",404)))==404",
            Pass,
        ),
        (
            "class E(Exception):\n  'Doc'\n  default='d'\n  def __init__(s,msg,code=0): super().__init__(msg); s.code=code\n  def twice(s): return s.code*2\n  @property\n  def big(s): return s.code>3\n  def __str__(s): return f'{s.args[0]}!{s.code}'\ndef f(): raise E('a',3)",
            "try: f()\nexcept E as e: assert e.code==3 and str(e)==\"a!3\"\nelse: assert 0\ndef g(): raise E(\"b\",1)\ntry: g()\nexcept E as e: assert e.code==1",
            Pass,
        ),
        (
            "class A(Exception): pass\ndef f(h): return h()",
            "class My(A):\n  def __init__(s,x): super().__init__(x); s.x=x\ndef h(): raise My('x')\ntry: f(h)\nexcept My as e: assert str(e)=='x' and e.x=='x'\nelse: assert 0",
            Pass,
        ),
    ]);
}

/// On classes of either side, whichever side the function is of.
#[test]
fn functions_set_on_classes_become_methods() {
    expect(&[
        (
            "class G:\n  def hi(s): return 'hi'\n  def loud(s): return s.hi().upper()",
            "G.hi=lambda self:'yo'\nassert G().loud()=='YO'",
            Pass,
        ),
        (
            "class G:\n  def hi(s): return 'hi'\n  def loud(s): return s.hi().upper()",
            "from unittest.mock import patch\nwith patch.object(G,'hi',lambda self:'yo'): assert G().loud()=='YO'\nassert G().loud()=='HI'",
            Pass,
        ),
        (
            "class G:\n  def hi(s): return 'hi'\n  def loud(s): return s.hi().upper()",
            "from unittest.mock import patch\nwith patch.object(G,'hi',return_value='mm') as m:\n  assert G().loud()=='MM'\n  m.assert_called_once_with()\nassert G().loud()=='HI'",
            Pass,
        ),
        (
            "class G:\n  def hi(s): return 'hi'\n  def loud(s): return s.hi().upper()",
            "from unittest.mock import patch\nwith patch.object(G,'__init__',lambda self,n:None): assert G(3).loud()=='HI'",
            Pass,
        ),
        (
            "def d(f):\n  def w(*a): return f(*a)*2\n  return w",
            "class P:\n  @d\n  def m(self,x): return x\nassert P().m(2)==4",
            Pass,
        ),
    ]);
}

/// Until it is put back.
#[test]
fn what_a_test_sets_in_the_programs_module_is_set_there() {
    expect(&[
        (
            "def g(x): return x*2\ndef f(x): return g(x)+1\nLIMIT=5\ndef lim(): return LIMIT",
            "from unittest.mock import patch\nwith patch('solution.g',return_value=10) as m:\n  assert f(1)==11\n  m.assert_called_once_with(1)\nassert f(1)==3",
            Pass,
        ),
        (
            "def g(x): return x*2\ndef f(x): return g(x)+1\nLIMIT=5\ndef lim(): return LIMIT",
            "import solution\nsolution.LIMIT=1\nassert lim()==1 and solution.LIMIT==1",
            Pass,
        ),
        (
            "def g(x): return x*2\ndef f(x): return g(x)+1\nLIMIT=5\ndef lim(): return LIMIT",
            "from unittest.mock import patch\n@patch(__name__+'.g')\ndef t(m):\n  m.return_value=4\n  assert f(1)==5\nt()\nassert f(1)==3",
            Pass,
        ),
        (
            "from datetime import datetime\ndef y(): return datetime.now().year",
            "from unittest.mock import patch\nfrom datetime import datetime\nwith patch('solution.datetime') as m:\n  m.now.return_value=datetime(1999,1,1)\n  assert y()==1999\nassert y()>2000",
            Pass,
        ),
    ]);
}

/// As in one interpreter.
#[test]
fn contexts_types_and_records_are_those_of_the_program() {
    expect(&[
        (
            "class Repo:\n  def get(s): return 1\ndef is_repo(r): return isinstance(r,Repo)",
            "from unittest.mock import MagicMock\nassert isinstance(MagicMock(spec=Repo),Repo) and not isinstance(MagicMock(),Repo)",
            Pass,
        ),
        (
            "def f():\n  try: int('x')\n  except ValueError: raise KeyError('m')",
            "try: f()\nexcept KeyError as e: assert isinstance(e.__context__,ValueError) and e.__cause__ is None and not e.__suppress_context__",
            Pass,
        ),
        (
            "def f():\n  try: int('x')\n  except ValueError: raise KeyError('m') from None",
            "try: f()\nexcept KeyError as e: assert e.__suppress_context__",
            Pass,
        ),
        (
            "def k(x): return type(x)",
            "from collections import deque\nfrom datetime import date\nfrom decimal import Decimal\nfrom fractions import Fraction\nassert k(None) is type(None) and k(deque()) is deque and k(date(2020,1,1)) is date and k(Decimal(1)) is Decimal and k(Fraction(1)) is Fraction and k(1) is int and k([]) is list",
            Pass,
        ),
        (
            "class F:\n  def __init__(s,n): s.n=n\n  def __eq__(s,o): return f'{s.n} = {o!r}'\n  def __ne__(s,o): return [s.n,o]",
            "assert (F('a')==3)=='a = 3' and (F('a')!=3)==['a',3]",
            Pass,
        ),
        ("class F:\n  def __eq__(s,o): return True\ndef f(): return F()", "assert f()==3", WrongAnswer),
        (
            "import logging\ndef f(): logging.getLogger('a').warning('x %s',1,extra={'user':'u'})",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertLogs() as cm: f()\n    r=cm.records[0]\n    self.assertEqual(r.args,(1,)); self.assertEqual(r.msg,'x %s'); self.assertEqual(r.user,'u'); self.assertEqual(cm.output,['WARNING:a:x 1'])",
            Pass,
        ),
    ]);
}

/// Exceptions that a test makes and raises are the program's still, and what it asserts stays its own.
#[test]
fn what_a_test_makes_of_the_program_proves_nothing() {
    expect(&[
        (
            "class E(Exception):\n  def __new__(c,*a): return SystemExit(0)\ndef f(x): return 'wrong'",
            "try: raise E('b')\nexcept E: pass\nassert f(1)==2",
            RuntimeError,
        ),
        // What the test made and the program raises was raised by the program.
        (
            "import sys\ndef f(x): sys.exit()",
            "from unittest.mock import patch\nwith patch('sys.exit', side_effect=SystemExit): r = f(3)\nassert r == 9",
            RuntimeError,
        ),
        ("def f(x): x()", "def stop(): raise SystemExit\nf(stop)\nassert f(1) == 9", RuntimeError),
        ("def f(x): raise x", "assert f(SystemExit()) == 9", RuntimeError),
        // A message that is broken behind a thing that the test trusts.
        (
            "import gc\nclass S:\n  def __eq__(s,o): return True\n  def run(s,out):\n    p=next(o for o in gc.get_objects() if type(o).__name__=='Peer')\n    n,x=p._mirror_numbers[id(out)],p._encode(s)\n    p._message=lambda v,i=False: [type(p)._encode(p,v),[[n,[x]],[999999,[]]],[],['','']]\n    try: p.ask('input',None,'')\n    except BaseException: pass\n    finally: del p._message",
            "s=S()\nout=[]\ns.run(out)\nassert out==[42]",
            WrongAnswer,
        ),
        (
            "class E(Exception): pass\ndef f(): return SystemExit(0)",
            "r=f()\nif isinstance(r, BaseException): raise r\nassert r==3",
            RuntimeError,
        ),
        (
            "class Base:\n  def __eq__(s,o): return True\n  def run(s): s.on_result(s)",
            "res=[]\nclass Rec(Base):\n  def on_result(s,v): res.append(v)\nRec().run()\nassert res==[42]",
            WrongAnswer,
        ),
        (
            "def f(x): return 'called match pattern must be a class'",
            "got=f(1)\nassert got==42, got",
            WrongAnswer,
        ),
        (
            "n=0\ndef f():\n  global n; n+=1\n  return 0 if n==1 else globals().get('EXPECTED')",
            "from unittest.mock import patch\nEXPECTED=42\ndef check(): return f()==EXPECTED\nwith patch(__name__+'.EXPECTED',41): assert not check()\nassert check()",
            WrongAnswer,
        ),
        (
            "def f(x,cb):\n  if not x: return 1\n  try: cb()\n  except ValueError as e: return int(str(e.__context__)[-2:])",
            "def cb(): raise ValueError\ndef t():\n  try: assert f(0,cb)==42,'want 42'\n  except AssertionError: return f(1,cb)==42\nassert t()",
            RuntimeError,
        ),
        (
            "def f(n):\n  try:\n    if n==0: raise ValueError('v')\n    raise KeyError(n)\n  except KeyError: f(n-1)",
            "try: f(200)\nexcept ValueError: pass\nelse: assert 0",
            Pass,
        ),
    ]);
}
