//! What passes between a test that is Python and the program, besides values: coroutines, warnings, causes of errors, classes.

use assay_sandbox::Verdict::{JudgeFailure, Pass, RuntimeError, WrongAnswer};

use crate::checks::expect;

const COROUTINES: &str = "import asyncio
log=[]
async def f(x):
  await asyncio.sleep(.01*x)
  log.append(x)
  return x*2
async def bad(): raise ValueError('b')
async def gen(n):
  for i in range(n):
    await asyncio.sleep(0)
    yield i
class CM:
  async def __aenter__(self): self.n=1; return self
  async def __aexit__(self,*a): self.n=2
async def app(cb,x): return await cb(x)+1
";

/// Either side may wait for what the other one does; who sleeps shorter is done sooner.
#[test]
fn coroutines_of_both_run_side_by_side() {
    expect(&[
        (COROUTINES, "import asyncio\nassert asyncio.run(f(3))==6", Pass),
        (COROUTINES, "import asyncio\nassert asyncio.run(f(3))==7", WrongAnswer),
        (
            COROUTINES,
            "import asyncio\nasync def main(): return await f(2)\nassert asyncio.run(main())==4",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main(): return await asyncio.gather(f(3),f(1),f(2))\nassert asyncio.run(main())==[6,2,4]\nassert log==[1,2,3]",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main():\n  ts=[asyncio.create_task(f(i)) for i in (2,1)]\n  return [await t for t in ts]\nassert asyncio.run(main())==[4,2] and log==[1,2]",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main():\n  try: await bad()\n  except ValueError as e: return str(e)\nassert asyncio.run(main())=='b'",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main():\n  async with asyncio.TaskGroup() as g: a=g.create_task(f(1)); b=g.create_task(f(2))\n  return a.result()+b.result()\nassert asyncio.run(main())==6",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main(): return [x async for x in gen(3)]\nassert asyncio.run(main())==[0,1,2]",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main():\n  async with CM() as c: assert c.n==1\n  return c.n\nassert asyncio.run(main())==2",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def cb(x):\n  await asyncio.sleep(.01)\n  return x*10\nassert asyncio.run(app(cb,3))==31",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio\nasync def main():\n  try: await asyncio.wait_for(f(100),.05)\n  except asyncio.TimeoutError: return 't'\nassert asyncio.run(main())=='t' and log==[]",
            Pass,
        ),
        (
            COROUTINES,
            "import asyncio,inspect\nassert inspect.iscoroutinefunction(f) and asyncio.iscoroutinefunction(f)\nc=f(1)\nassert inspect.iscoroutine(c) and inspect.isawaitable(c)\nc.close()",
            Pass,
        ),
        (
            COROUTINES,
            "import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n  async def test(self): self.assertEqual(await f(1),2)\n",
            Pass,
        ),
        (
            COROUTINES,
            "import unittest\nclass T(unittest.IsolatedAsyncioTestCase):\n  async def test(self): self.assertEqual(await f(1),3)\n",
            WrongAnswer,
        ),
        (
            COROUTINES,
            "import asyncio\nloop=asyncio.get_event_loop()\nassert loop.run_until_complete(f(1))==2",
            Pass,
        ),
        (
            COROUTINES,
            "from unittest.mock import AsyncMock\nimport asyncio\nm=AsyncMock(return_value=4)\nassert asyncio.run(app(m,3))==5\nm.assert_awaited_once_with(3)",
            Pass,
        ),
        (
            "import asyncio\nasync def f():\n  try: await asyncio.sleep(10)\n  except asyncio.CancelledError:\n    seen.append(1); raise\nseen=[]",
            "import asyncio\nasync def main():\n  t=asyncio.create_task(f())\n  await asyncio.sleep(.01)\n  t.cancel()\n  try: await t\n  except asyncio.CancelledError: pass\nasyncio.run(main())\nassert seen==[1]",
            Pass,
        ),
        (
            "class E:\n  def __eq__(s,o): return True\nasync def f(): return E()",
            "import asyncio\nassert asyncio.run(f())==3",
            WrongAnswer,
        ),
        ("async def test_me(x): return x", "async def test():\n  assert await test_me(1)==1\n", Pass),
    ]);
}

/// What the program warns of and logs goes through the filters and handlers of the test. Variables of the environment go both ways.
#[test]
fn a_test_hears_warnings_and_logs() {
    expect(&[
        (
            "import warnings\ndef f(): warnings.warn('old',DeprecationWarning); return 1",
            "import warnings\nwith warnings.catch_warnings(record=True) as w:\n  warnings.simplefilter('always')\n  assert f()==1\nassert len(w)==1 and issubclass(w[0].category,DeprecationWarning) and str(w[0].message)=='old'",
            Pass,
        ),
        (
            "import warnings\ndef f(): warnings.warn('old',DeprecationWarning); return 1",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertWarns(DeprecationWarning): f()\n    with self.assertWarnsRegex(DeprecationWarning,'ol'): f()\n",
            Pass,
        ),
        (
            "def f(): return 1",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertWarns(DeprecationWarning): f()\n",
            WrongAnswer,
        ),
        (
            "import warnings\ndef f(): warnings.warn('x'); return 1",
            "import warnings\nwarnings.simplefilter('error')\ntry: f()\nexcept UserWarning: pass\nelse: assert 0",
            Pass,
        ),
        (
            "import warnings\nclass My(UserWarning): pass\ndef f(): warnings.warn('x',My)",
            "import warnings\nwith warnings.catch_warnings(record=True) as w:\n  warnings.simplefilter('always'); f()\nassert w[0].category.__name__=='My' and issubclass(w[0].category, My)",
            Pass,
        ),
        (
            "import logging\nlog=logging.getLogger('app')\ndef f(): log.info('hi %s',3); log.error('e')",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertLogs('app',level='INFO') as cm: f()\n    self.assertEqual(cm.output,['INFO:app:hi 3','ERROR:app:e'])\n",
            Pass,
        ),
        (
            "import logging\ndef f(): logging.warning('w')",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    with self.assertLogs() as cm: f()\n    self.assertIn('w',cm.output[0])\n    with self.assertRaises(AssertionError):\n      with self.assertNoLogs(): f()\n",
            Pass,
        ),
        (
            "import os\ndef f(): return os.environ.get('K'), os.getenv('Q','d')",
            "import os\nfrom unittest.mock import patch\nwith patch.dict(os.environ,{'K':'v'}): assert f()==('v','d')\nassert f()==(None,'d')\nos.environ['Q']='1'\nassert f()==(None,'1')",
            Pass,
        ),
        (
            "import os\nos.environ['A']='at import'\ndef f(): os.environ['B']='2'; return os.environ.get('A')",
            "import os\nassert os.environ['A']=='at import'\nassert f()=='at import' and os.environ['B']=='2'\nos.environ['A']='x'\nassert f()=='x'\ndel os.environ['A']\nassert f() is None and os.getenv('A') is None",
            Pass,
        ),
        (
            "import os\ndef f(): os.environ.pop('K'); os.environ['L']='1'",
            "import os\nfrom unittest.mock import patch\nwith patch.dict('os.environ',{'K':'v'},clear=True):\n  f()\n  assert dict(os.environ)=={'L':'1'}\nassert 'L' not in os.environ",
            Pass,
        ),
    ]);
}

/// An exception has its cause, its notes and its parts on the other side.
#[test]
fn errors_keep_their_causes_and_notes() {
    expect(&[
        (
            "def f():\n  try: 1/0\n  except ZeroDivisionError as e: raise ValueError('v') from e",
            "try: f()\nexcept ValueError as e: assert isinstance(e.__cause__,ZeroDivisionError)\nelse: assert 0",
            Pass,
        ),
        (
            "class A(Exception): pass\nclass B(Exception): pass\ndef f():\n  try: raise A('a')\n  except A as e: raise B('b') from e",
            "try: f()\nexcept B as e: assert isinstance(e.__cause__,A) and str(e.__cause__)=='a'\nelse: assert 0",
            Pass,
        ),
        (
            "def f():\n  e=ValueError('v'); e.add_note('n'); raise e",
            "try: f()\nexcept ValueError as e: assert e.__notes__==['n']",
            Pass,
        ),
        (
            "def f(): raise ExceptionGroup('g',[ValueError(1),KeyError(2)])",
            "try: f()\nexcept* ValueError as g: assert len(g.exceptions)==1\nexcept* KeyError: pass",
            Pass,
        ),
        (
            "def f():\n  a=ValueError(1); b=KeyError(2); a.__cause__=b; b.__cause__=a; raise a",
            "try: f()\nexcept ValueError as e: assert isinstance(e.__cause__,KeyError)",
            Pass,
        ),
    ]);
}

/// Classes of the library that are not abstract, protocols, and classes with brackets behind them.
#[test]
fn the_program_says_of_what_class_its_things_are() {
    expect(&[
        (
            "from typing import Generic,TypeVar\nT=TypeVar('T')\nclass Stack(Generic[T]):\n  def __init__(self): self.x=[]\n  def push(self,v): self.x.append(v)\n  def pop(self): return self.x.pop()",
            "s=Stack[int]()\ns.push(3)\nassert s.pop()==3",
            Pass,
        ),
        (
            "from enum import Enum\nclass C(Enum): R=1",
            "from enum import Enum\nassert issubclass(C,Enum) and isinstance(C.R,Enum) and isinstance(C.R,C) and C['R'] is C.R and not issubclass(C,int)",
            Pass,
        ),
        (
            "from abc import ABC,abstractmethod\nclass S(ABC):\n  @abstractmethod\n  def f(self): pass\nclass Q(S):\n  def f(self): return 1",
            "from abc import ABC\nassert issubclass(S,ABC) and issubclass(Q,S) and isinstance(Q(),S) and isinstance(Q(),(int,S))",
            Pass,
        ),
        (
            "class A: \n  def quack(self): return 1",
            "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass Duck(Protocol):\n  def quack(self): ...\nassert isinstance(A(),Duck)",
            Pass,
        ),
        (
            "class A: pass",
            "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass Duck(Protocol):\n  def quack(self): ...\nassert not isinstance(A(),Duck)",
            Pass,
        ),
        (
            "from typing import *\n@runtime_checkable\nclass D(Protocol):\n  def q(self): ...",
            "class X:\n  def q(self): pass\nassert isinstance(X(),D) and not isinstance(3,D)",
            Pass,
        ),
        (
            "from collections import UserDict\nclass D(UserDict): pass\nclass L(list): pass",
            "from collections import UserDict\nd=D(); d['a']=1\nassert isinstance(d,UserDict) and isinstance(L(),list) and issubclass(L,list) and issubclass(D,UserDict)",
            Pass,
        ),
        (
            "class M(dict): pass\ndef f(): return M(a=1)",
            "assert isinstance(f(),dict) and isinstance(f(), int | dict)",
            Pass,
        ),
    ]);
}

/// If the test has made them by a class. What a function gives is its plain value.
#[test]
fn kinds_of_plain_types_compute_by_their_own_methods() {
    expect(&[
        (
            "class P(tuple):\n  def __add__(s,o): return P(a+b for a,b in zip(s,o))\n  def __abs__(s): return 5",
            "p=P((1,2))+P((3,4))\nassert p==(4,6) and abs(p)==5",
            Pass,
        ),
        (
            "from typing import NamedTuple\nclass V(NamedTuple):\n  x:int\n  y:int\n  def __add__(s,o): return V(s.x+o.x,s.y+o.y)\n  def __mul__(s,k): return V(s.x*k,s.y*k)",
            "assert V(1,2)+V(3,4)==V(4,6) and V(1,2)*3==V(3,6) and V(1,2)==(1,2)",
            Pass,
        ),
        (
            "class M(int):\n  def __add__(s,o): return M((int(s)+int(o))%7)",
            "assert M(5)+M(4)==2 and M(5)+3==1",
            Pass,
        ),
        (
            "class CI(str):\n  def __eq__(s,o): return s.lower()==o.lower()\n  def __hash__(s): return hash(s.lower())",
            "assert CI('Ab')=='aB' and CI('a')!='b'",
            Pass,
        ),
        (
            "class CI(str):\n  def __eq__(s,o): return s.lower()==o.lower()\n  def __hash__(s): return hash(s.lower())\nX=CI('Ab')\ndef f(): return X",
            "d={CI('Ab'): 1}\nassert d['ab']==1 and d[CI('AB')]==1 and hash(CI('AB'))==hash('ab')\nassert f()!='ab' and {f(): 2}['Ab']==2",
            Pass,
        ),
        (
            "class V(tuple):\n  def __lt__(s,o): return s[1]<o[1]",
            "assert V((5,1))<V((1,2)) and sorted([V((1,2)),V((5,1))])==[(5,1),(1,2)]",
            Pass,
        ),
        (
            "class L(list):\n  def __eq__(s,o): return True\ndef f(): return L()",
            "assert f()==[1]",
            WrongAnswer,
        ),
        (
            "class L(int):\n  def __eq__(s,o): return True\n  def __sub__(s,o): return 0\ndef f(): return L(5)",
            "assert f()-3==0",
            WrongAnswer,
        ),
        (
            "class L(int):\n  def __eq__(s,o): return True\n  __hash__=int.__hash__\nclass K:\n  def v(self): return L(5)",
            "assert K().v()==3",
            WrongAnswer,
        ),
        (
            "class A:\n  def __sub__(s,o): return s\n  __pow__=__sub__\n  def __add__(s,o): return 0\n  def __lt__(s,o): return True\ndef f(): return A(),A()",
            "x,y=f()\nassert (x-1)**2+(y-2)**2 < 1e-9",
            RuntimeError,
        ),
        (
            "class Any:\n  def __rmul__(s,o): return s\n  def __lt__(s,o): return True\nclass N(int):\n  numerator=denominator=property(lambda s: Any())\ndef f(): return N(-7)",
            "from fractions import Fraction\nassert Fraction(1,3) < f()",
            WrongAnswer,
        ),
        (
            "class L(list):\n  def __contains__(s,o): return True\n  def __len__(s): return 3\ndef f(): return L()",
            "assert 5 in f()",
            WrongAnswer,
        ),
        (
            "class L(list):\n  def __len__(s): return 3\ndef f(): return L()",
            "assert len(f())==3",
            WrongAnswer,
        ),
        (
            "class S(str):\n  def startswith(s,o): return True\ndef f(): return S('x')",
            "assert f().startswith('abc')",
            WrongAnswer,
        ),
        (
            "class X:\n  def __eq__(s,o): return True\nD={'add': lambda a,b: X()}",
            "assert D['add'](1,2)==3",
            WrongAnswer,
        ),
        (
            "class P:\n  def __init__(s,x): s.x=x\n  def __add__(s,o): return P(s.x+o)\n  def __eq__(s,o): return s.x==o.x\ndef make(x): return P(x)",
            "d=make(3)+5\nassert d==P(8)",
            Pass,
        ),
        (
            "class V:\n  def __init__(s,*a): s.a=a\n  def __mul__(s,k): return V(*(k*x for x in s.a))\n  __rmul__=__mul__\n  def __eq__(s,o): return s.a==(o.a if isinstance(o,V) else o)",
            "assert 2*V(1,2)==(2,4) and V(1,2)*2==(2,4)",
            Pass,
        ),
    ]);
}

const SHAPE: &str = "from abc import ABC, abstractmethod
class Shape(ABC):
  def __init__(self,n): self.n=n
  @abstractmethod
  def area(self): pass
  def describe(self): return f'{self.n}: {self.area()}'
";

/// They are made in the program's interpreter, and their methods stay the test's.
#[test]
fn classes_of_a_test_inherit_from_those_of_the_program() {
    expect(&[
        (
            SHAPE,
            "class Sq(Shape):\n  sides=4\n  def __init__(self,a): super().__init__('sq'); self.a=a\n  def area(self): return self.a**2\n  @property\n  def twice(self): return 2*self.a\n  @staticmethod\n  def s(x): return x+1\n  @classmethod\n  def make(cls): return cls(5)\ns=Sq(3)\nassert s.describe()=='sq: 9' and s.twice==6 and s.s(1)==2 and Sq.make().area()==25 and Sq.sides==4\nassert isinstance(s,Sq) and isinstance(s,Shape) and issubclass(Sq,Shape)",
            Pass,
        ),
        (
            "class V:\n  def __init__(s,x): s.x=x\n  def __add__(s,o): return s.x+o\n  def __eq__(s,o): return s.x==(o.x if isinstance(o,V) else o)",
            "class W(V):\n  def __init__(s,x): super().__init__(x); s.y=x\n  def more(s): return s.y+1\nw=W(3)\nassert w==3 and w+4==7 and w.more()==4 and w==3 and w!=4",
            Pass,
        ),
        (
            "class V:\n  def __init__(s,x): s.x=x\n  def __eq__(s,o): return True\nX=V(1)\ndef f(): return X",
            "class W(V):\n  def __init__(s,x): super().__init__(x)\nw=W(3)\nassert f()==5",
            WrongAnswer,
        ),
        (SHAPE, "class Bad(Shape): pass\ntry: Bad(1)\nexcept TypeError: pass\nelse: assert 0", Pass),
        (
            SHAPE,
            "class Sq(Shape):\n  def area(self): return 7\n  def describe(self): return super().describe()+'!'\nassert Sq('a').describe()=='a: 7!'",
            Pass,
        ),
        (
            SHAPE,
            "class Sq(Shape):\n  def area(self): return 7\nassert Sq('a').describe()=='a: 8'",
            WrongAnswer,
        ),
        (
            "class Base:\n  def f(s): return 1",
            "class D(Base):\n  def g(s): return s.f() + 1\nassert D().g() == 2",
            Pass,
        ),
        (
            "class Base:\n  def f(s): return 1",
            "class M:\n  pass\nclass D(Base,M):\n  def g(s): return s.f() + 1\nassert D().g() == 2",
            JudgeFailure,
        ),
        (
            "class Base:\n  def f(s): return 1",
            "class A:\n  def f(s): return 2\nclass B(A):\n  def f(s): return super().f()+1\nassert B().f()==3 and Base().f()==1 and super(B,B()).f()==2",
            Pass,
        ),
        (
            "class Err(Exception): pass\ndef f(h): return h()",
            "class My(Err): pass\ndef h(): raise My('x')\ntry: f(h)\nexcept My as e: assert str(e)=='x'\nelse: assert 0",
            Pass,
        ),
    ]);
}

/// A test that expects an error is not satisfied by one of the judge's.
#[test]
fn what_the_judge_refuses_is_no_error_of_the_programs() {
    const GIVES_A_NUMBER: &str = "class N:\n  def __add__(s,o): return 3\ndef f(): return N()";
    const RAISES: &str = "class N:\n  def __add__(s,o): raise TypeError('no')\ndef f(): return N()";
    let test = "try: f()+1\nexcept TypeError: pass\nelse: assert 0";
    expect(&[
        (GIVES_A_NUMBER, test, RuntimeError),
        (GIVES_A_NUMBER, &format!("{test}\nraise SystemExit"), RuntimeError),
        (RAISES, test, Pass),
    ]);
}
