//! What differs between the interpreter in the sandbox and the one that programs were written for: one thread, functions of the
//! C library, later rules of the language. Sizes are in `sizes.rs`.

use assay_sandbox::{FUEL_PER_SECOND, Limits, Prelude, Program, RunOutcome, Sandbox};

use crate::common::{end, function, image, run, sandbox, script, text, write};

#[test]
fn threads_run_as_far_as_one_goes() {
    write(&[
        (
            "from concurrent.futures import ThreadPoolExecutor as P, as_completed\nwith P(3) as p:\n  print(*p.map(pow, [2, 3], [4, 5]), sorted(f.result() for f in as_completed([p.submit(abs, -i) for i in range(3)])))",
            "",
            "16 243 [0, 1, 2]\n",
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor as P\nwith P() as p:\n  f = p.submit(lambda: 1 // 0)\n  print(type(f.exception()).__name__)",
            "",
            "ZeroDivisionError\n",
        ),
        // The consumer starts before there is anything to consume.
        (
            "import threading, queue\nq, out = queue.Queue(), []\ndef work():\n  while (x := q.get()) is not None: out.append(x * x)\nt = threading.Thread(target=work)\nt.start()\nfor i in range(4): q.put(i)\nq.put(None)\nt.join()\nprint(out)",
            "",
            "[0, 1, 4, 9]\n",
        ),
        // Workers that never end, as daemons do.
        (
            "import threading, queue\nq, out = queue.Queue(), []\ndef work():\n  while True:\n    out.append(q.get())\n    q.task_done()\nfor _ in range(2): threading.Thread(target=work, daemon=True).start()\nfor i in range(5): q.put(i)\nq.join()\nprint(sorted(out))",
            "",
            "[0, 1, 2, 3, 4]\n",
        ),
        (
            "import threading\ne, out = threading.Event(), []\ndef late(): e.wait(); out.append('late')\ndef early(): out.append('early'); e.set()\nts = [threading.Thread(target=f) for f in (late, early)]\nfor t in ts: t.start()\nfor t in ts: t.join()\nprint(out)",
            "",
            "['early', 'late']\n",
        ),
        (
            "import threading\nt = threading.Timer(2, print, ['a'])\nt.start()\nt.join()\nprint('b', threading.active_count())",
            "",
            "a\nb 1\n",
        ),
        (
            "import threading\nprint(threading.current_thread().name)\nthreading.Thread(target=lambda: print(threading.current_thread().name), name='x').start()",
            "",
            "MainThread\nx\n",
        ),
        (
            "import threading\nlock, n = threading.Lock(), 0\ndef add():\n  global n\n  for _ in range(9):\n    with lock: n += 1\nts = [threading.Thread(target=add) for _ in range(4)]\n[t.start() for t in ts]\n[t.join() for t in ts]\nprint(n, any(t.is_alive() for t in ts))",
            "",
            "36 False\n",
        ),
        (
            "import threading\nown = threading.local()\nown.x = 0\ndef f(): own.x = 1; print(own.x)\nt = threading.Thread(target=f)\nt.start()\nt.join()\nprint(own.x)",
            "",
            "1\n0\n",
        ),
        (
            "import asyncio\nasync def f(x):\n  await asyncio.sleep(x)\n  return x\nasync def main(): return await asyncio.gather(f(0.2), f(0.1))\nprint(asyncio.run(main()))",
            "",
            "[0.2, 0.1]\n",
        ),
        (
            "import asyncio\nasync def main():\n  q = asyncio.Queue()\n  async def put():\n    for i in range(3): await q.put(i)\n  t = asyncio.create_task(put())\n  print([await q.get() for _ in range(3)], await asyncio.to_thread(pow, 2, 5))\nloop = asyncio.new_event_loop()\nloop.run_until_complete(main())\nloop.close()",
            "",
            "[0, 1, 2] 32\n",
        ),
        (
            "import asyncio\nasync def main():\n  try:\n    async with asyncio.timeout(1): await asyncio.sleep(9)\n  except TimeoutError: print('late')\nasyncio.run(main())",
            "",
            "late\n",
        ),
    ]);
    let Some(sandbox) = sandbox() else { return };
    let unsupported = [
        // Two that take turns.
        "import threading\na, b = threading.Semaphore(1), threading.Semaphore(0)\ndef f(x, y, s):\n  for _ in range(3): x.acquire(); print(s); y.release()\nts = [threading.Thread(target=f, args=t) for t in ((a, b, 'a'), (b, a, 'b'))]\n[t.start() for t in ts]\n[t.join() for t in ts]",
        "import asyncio\nasyncio.run(asyncio.Event().wait())",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "import threading,queue\nq=queue.Queue(1); out=[]\ndef p():\n  for i in range(3): q.put(i)\n  q.put(None)\ndef c():\n  while (x:=q.get()) is not None: out.append(x)\nts=[threading.Thread(target=f) for f in (p,c)]\n[t.start() for t in ts]; [t.join() for t in ts]; print(out)",
    ];
    end(&sandbox, &unsupported, |outcome| matches!(outcome, RunOutcome::UnsupportedPlatform { .. }));
}

/// Elsewhere a thread's stack grows with what the program asks for.
#[test]
fn a_recursion_that_is_too_deep_for_the_c_stack_is_named() {
    let Some(sandbox) = image().map(|image| Sandbox::new(image, Limits::benchmark(6))) else { return };
    let source = "import sys, threading, functools\nsys.setrecursionlimit(10**7)\nthreading.stack_size(2**29)\n@functools.lru_cache(None)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nt = threading.Thread(target=lambda: print(f(LEVELS)))\nt.start()\nt.join()";
    let of = |n: &str| run(&sandbox, &source.replace("LEVELS", n), "").outcome;
    for levels in ["5000", "100000"] {
        assert_eq!(of(levels), RunOutcome::Completed { output: format!("{levels}\n") });
    }
    assert!(matches!(of("3000000"), RunOutcome::UnsupportedPlatform { .. } | RunOutcome::MemoryLimit));
}

/// Comparing and searching long texts costs what it does elsewhere: a second's work of a native Python fits in its fuel.
#[test]
fn long_texts_fit_in_their_fuel() {
    let Some(image) = image() else { return };
    let sandbox = Sandbox::new(image, Limits { fuel: FUEL_PER_SECOND, ..Limits::benchmark(1) });
    for source in [
        "n, m = 60000, 30000\ns, p = 'a' * n, 'a' * m\nprint(sum(s[i:i + m] == p for i in range(n - m)))",
        "n = 100000\ns = 'a' * n + 'b'\nprint(sum(s.find('b', i) for i in range(0, n, 2)) % 7)",
        "n = 100000\ns = 'b' + 'a' * n\nprint(sum(s.rfind('b', 0, i) for i in range(0, n, 2)) % 7)",
        "n = 60000\ns = 'a' * n\nprint(sum(s.startswith(s[k:]) for k in range(1, n)))",
        "n = 60000\ns = b'a' * n\nprint(sum(b'b' in s[k:] for k in range(n)))",
        // Every place of the byte that differs, or is looked for, around those that are looked at together.
        "for n in range(0, 300, 7):\n  a = bytes(n)\n  for i in range(n):\n    b = a[:i] + b'\\x80' + a[i + 1:]\n    assert a < b and b > a and b.find(b'\\x80') == b.rfind(b'\\x80') == i and b.find(b'\\x80', i + 1) == -1 and b == bytes(b)",
        "s = ['a' * 20000 + str(i) for i in range(3000)]\nprint(sorted(s)[0] == s[0])",
    ] {
        let run = sandbox.run(&script(source), &[text("")]).remove(0);
        assert!(matches!(run.outcome, RunOutcome::Completed { .. }), "{source}: {:?}", run.outcome);
    }
}

/// As before Python 3.14, for which the benchmarks' numbers were made.
#[test]
fn annotations_are_evaluated_where_they_stand() {
    write(&[
        (
            "def f(x: int, *a: print('a'), **k: print('k')) -> print('r'): pass\nprint('end')",
            "",
            "a\nk\nr\nend\n",
        ),
        ("x: print('x') = 1\nclass A:\n  y: print('y')\ndef f():\n  z: print('z') = 2\nf()", "", "x\ny\n"),
        ("from __future__ import annotations\ndef f(x: Missing): pass\nprint(1)", "", "1\n"),
        (
            "from typing import *\ndef f(x: 'Missing', y: List[int] = []) -> Optional[str]: return 'a'\nprint(f(1))",
            "",
            "a\n",
        ),
    ]);
    let Some(sandbox) = sandbox() else { return };
    for source in ["def f(x: List[int]): pass", "class A:\n  def f(self) -> A: pass", "x: Missing = 1"] {
        let outcome = run(&sandbox, source, "").outcome;
        assert!(
            matches!(&outcome, RunOutcome::RuntimeError { message } if message.starts_with("NameError")),
            "{source}: {outcome:?}"
        );
    }
    let prelude =
        Program { prelude: Prelude::Benchmark, ..script("def f(x: List[int]): return x\nprint(f(1))") };
    let run = sandbox.run(&prelude, &[text("")]).remove(0);
    assert_eq!(run.outcome, RunOutcome::Completed { output: "1\n".to_owned() });
}

/// What a second look at the stand-ins has found.
#[test]
fn stand_ins_change_nothing_that_works() {
    write(&[
        (
            "import threading,time\nstop=False\ndef w():\n  while not stop: time.sleep(.01)\nt=threading.Thread(target=w); t.start(); stop=True; t.join(); print('end')",
            "",
            "end\n",
        ),
        (
            "import threading,time\ndef w():\n  while True: time.sleep(.01)\nthreading.Thread(target=w,daemon=True).start()\nprint('done')",
            "",
            "done\n",
        ),
        (
            "from threading import Timer\nimport time\nTimer(.2,print,['b']).start(); Timer(.1,print,['a']).start(); time.sleep(.5); print('c')",
            "",
            "a\nb\nc\n",
        ),
        (
            "from threading import Timer\nimport time\nTimer(2,print,['b']).start(); time.sleep(.5); print('c')",
            "",
            "c\nb\n",
        ),
        (
            "import threading\nl=threading.Lock(); l.acquire()\ndef w():\n  with l: print('w')\nt=threading.Thread(target=w); t.start(); print('main'); l.release(); t.join()",
            "",
            "main\nw\n",
        ),
        (
            "import threading\na,b=threading.Lock(),threading.Lock()\na.acquire(); b.acquire()\ndef one(): print(1); a.release()\ndef two():\n  with a: print(2)\n  b.release()\ndef three():\n  with b: print(3)\nts=[threading.Thread(target=f) for f in (three,two,one)]\n[t.start() for t in ts]; [t.join() for t in ts]",
            "",
            "1\n2\n3\n",
        ),
        (
            "import asyncio\nasync def main():\n  await asyncio.sleep(1)\n  return await asyncio.to_thread(pow,2,3)\nloop=asyncio.get_event_loop()\nprint(loop.run_until_complete(main()))",
            "",
            "8\n",
        ),
        (
            "import asyncio\nq=asyncio.Queue()\nasync def main():\n  print(await asyncio.to_thread(pow,2,3))\nasyncio.run(main())",
            "",
            "8\n",
        ),
        (
            "l=[]\nl.insert(0,10**12)\nl.insert(10**12,5)\nprint(l, 'a b'.split(' ',10**12))",
            "",
            "[1000000000000, 5] ['a', 'b']\n",
        ),
        ("try: print(10**400*1.5)\nexcept OverflowError: print('o')\nprint(2*3,[1]*2)", "", "o\n6 [1, 1]\n"),
        (
            "try: 1//0\nexcept ZeroDivisionError as hash: print(type(hash).__name__)",
            "",
            "ZeroDivisionError\n",
        ),
        ("type = 5\nprint(type)", "", "5\n"),
        (
            "from collections import namedtuple\nP=namedtuple('P','x y')\nprint(hash(P(1,2))==hash((1,2)))\nclass I(int): pass\nprint(hash(I(2**40))==hash(2**40))",
            "",
            "True\nTrue\n",
        ),
    ]);
}

/// The numbers of benchmarks were made with Python 3.11.
#[test]
fn later_syntax_does_not_compile() {
    let Some(sandbox) = sandbox() else { return };
    for source in [
        "try: x = 1\nexcept A, B: pass",
        "type X = int",
        "def f[T](x: T): pass",
        "class A[T]: pass",
        // Between the braces of an f-string: its own quotes, a backslash, a comment, another line.
        "d = {'a': 1}\nprint(f'{d['a']}')",
        "print(f'''{'''a'''}''')",
        "print(f\"{'\\n'.join(['a'])}\")",
        "print(f'{f\"{1}{'a'}\"}')",
        "x = 1\nprint(f'{x # one\n}')",
        "x = 1\nprint(f'{\nx}')",
    ] {
        let outcome = run(&sandbox, source, "").outcome;
        assert!(matches!(outcome, RunOutcome::CompileError { .. }), "{source}: {outcome:?}");
    }
    write(&[
        ("type = 5\nmatch type:\n  case 5: print(type)", "", "5\n"),
        (
            "d, w = {'a': 1}, 4\nprint(f'{d[\"a\"]}\\t{{}}', rf\"{d['a']}\\n\", f'''{\nd['a']}''', f'{d[\"a\"]:#{w}x}', f'{\"a\"!r}')",
            "",
            "1\t{} 1\\n 1  0x1 'a'\n",
        ),
    ]);
}

/// What later versions of Python took away.
#[test]
fn what_python_311_had_is_there() {
    write(&[
        (
            "import ast\nnodes = [n for n in ast.walk(ast.parse('1 + 2.5 + True')) if isinstance(n, ast.Num)]\nprint([n.n for n in nodes], isinstance(ast.Str('a'), ast.Str), ast.Num(3).value)",
            "",
            "[1, 2.5] True 3\n",
        ),
        ("import random\nprint(1 <= random.randint(1, 1e3) <= 1000, random.randrange(1.0))", "", "True 0\n"),
        (
            "import copy, itertools\na = itertools.count(5, 2)\nnext(a)\nb = copy.copy(a)\nprint(next(a), next(b))",
            "",
            "7 7\n",
        ),
        ("x: int = 3\nprint(__annotations__)", "", "{'x': <class 'int'>}\n"),
        // Sums are rounded after each addition.
        (
            "print(sum([0.1] * 10), sum(x / 10 for x in range(7)), sum(map(float, '.1 .2 .3'.split())), sum([1, 2]), sum([[1], [2.5]], []), sum([], 0.5))",
            "",
            "0.9999999999999999 2.1 0.6000000000000001 3 [1, 2.5] 0.5\n",
        ),
        ("def sum(a, b=0.5): return a - b\nprint(sum(1))", "", "0.5\n"),
        (
            "import json\ndef f(xs): return sum(xs)\nprint(f(json.loads(input())))",
            "[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]",
            "0.9999999999999999\n",
        ),
        // What is executed in a function is there for what is executed after it.
        (
            "def f(code):\n  n = 3\n  exec(code)\n  return locals()['y'], eval('y + n'), [v for v in locals().values() if v == 6]\nprint(f('y = n * 2'))",
            "",
            "(6, 9, [6])\n",
        ),
        ("def f():\n  for line in ['a = 1', 'b = a + 1', 'print(b)']: exec(line)\nf()", "", "2\n"),
        (
            "def outer():\n  def f(a=locals()):\n    exec('q = 1')\n    return eval('q')\n  return f()\nprint(outer())",
            "",
            "1\n",
        ),
        ("def f():\n  exec('def g(a): return a + 1')\n  return locals()['g'](4)\nprint(f())", "", "5\n"),
        (
            "def f():\n  a, space = 1, {}\n  exec('b = 2', space)\n  return space['b'], sorted(locals())\nprint(f())",
            "",
            "(2, ['a', 'space'])\n",
        ),
    ]);
    let Some(sandbox) = sandbox() else { return };
    let outcome = run(&sandbox, "import zoneinfo\nzoneinfo.ZoneInfo('Europe/Berlin')", "").outcome;
    assert!(matches!(outcome, RunOutcome::UnsupportedPlatform { .. }), "{outcome:?}");
}

/// A value is compared as a number where it is one, and a function may be an object's alone.
#[test]
fn exact_numbers_and_attributes_of_objects_are_answers() {
    let Some(sandbox) = sandbox() else { return };
    for (source, output) in [
        ("from decimal import Decimal\ndef f(x): return Decimal(x)", "2"),
        ("from fractions import Fraction\ndef f(x): return Fraction(x, 4)", "0.5"),
        ("from decimal import Decimal\ndef f(x): return Decimal('0.1')", "not JSON: Decimal('0.1')"),
        ("from decimal import Decimal\ndef f(x): return Decimal('nan')", "not JSON: Decimal('NaN')"),
        ("class Solution:\n  def __init__(self): self.f = lambda x: x + 1", "3"),
        ("class Solution: pass\ndef f(x): return x", "2"),
    ] {
        let run = sandbox.run(&function(source, "f"), &[assay_sandbox::Input::arguments([2])]).remove(0);
        assert_eq!(run.outcome, RunOutcome::Completed { output: output.to_owned() }, "{source}");
    }
    let run = sandbox
        .run(&function("class Solution: pass", "f"), &[assay_sandbox::Input::arguments([2])])
        .remove(0);
    assert!(matches!(&run.outcome, RunOutcome::RuntimeError { message } if message.starts_with("NameError")));
}

/// A function of the library that the platform lacks, and a file that a program writes, are no fault of the program.
#[test]
fn what_only_other_platforms_have_is_named() {
    let Some(sandbox) = sandbox() else { return };
    for (source, lacking) in [
        ("import signal\nsignal.alarm(2)", "signal.alarm"),
        ("from signal import setitimer", "signal.setitimer"),
        ("import resource\nresource.getrusage(0)", "resource.getrusage"),
        ("import hashlib\nhashlib.pbkdf2_hmac('sha256', b'a', b'b', 1)", "hashlib.pbkdf2_hmac"),
        ("with open('out.txt', 'w') as out: out.write('x')", "files that can be written"),
        ("import os\nos.makedirs('a/b')", "files that can be written"),
        ("import tempfile\nwith tempfile.NamedTemporaryFile() as file: pass", "files that can be written"),
        ("import tempfile\nwith tempfile.TemporaryDirectory() as folder: pass", "files that can be written"),
    ] {
        let expected = RunOutcome::UnsupportedPlatform { message: lacking.to_owned() };
        assert_eq!(run(&sandbox, source, "").outcome, expected, "{source}");
    }
    // What no platform has is the program's fault, and so is a file that it only expects to be there.
    let own_faults = [
        "import signal\nsignal.alert(2)",
        "from signal import alert",
        "open('in.txt')",
        "import os\nos.alarm",
    ];
    end(&sandbox, &own_faults, |outcome| matches!(outcome, RunOutcome::RuntimeError { .. }));
}

#[test]
fn ordered_dictionaries_are_written_as_pairs() {
    write(&[(
        "from collections import OrderedDict\nimport copy, pickle\nd = OrderedDict(a=1)\nd['b'] = OrderedDict()\nclass S(OrderedDict): pass\n\
         print(d, OrderedDict(), S(x=1), copy.deepcopy(d) == pickle.loads(pickle.dumps(d)) == d, type(d), d | {'c': 2})\nd['d'] = d\nprint(d)",
        "",
        "OrderedDict([('a', 1), ('b', OrderedDict())]) OrderedDict() S([('x', 1)]) True <class 'collections.OrderedDict'> OrderedDict([('a', 1), ('b', OrderedDict()), ('c', 2)])\n\
         OrderedDict([('a', 1), ('b', OrderedDict()), ('d', ...)])\n",
    )]);
}
