"""The judge's side of the guest, run once while the image is made.

It imports what programs commonly import and leaves one function, `handle`, which the host calls with a request:

    b"L" + flag + source    compile the program and keep it; flag b"B": it runs behind the benchmarks' imports, b"-": it does not
    b"S"                    run it as a script: standard input to standard output
    b"F" + name + lines     run it, then call a function of it; one JSON value per line is one argument
    b"N", then b"O" + json  run it, then answer what a test in another interpreter asks about it (see checks.py)
    b"T" + json             run a test that asks about a program in another interpreter: [setup, test, entry]
    b"R" + json             load a program as a reference judge does: [judge, source, function] (see lcb.py, skythought.py)
    b"r" + json             judge it on one test as that judge does: [input, output]

The reply is one letter and a text: "+" (done; what a function returned, as JSON), "W" (a wrong answer), "C" (the program does not
compile), "E" (it raised an exception), "I" (it imports a module that the image lacks), "M" (the exception was MemoryError),
"D" (it ended the reference judge's process), "J" (the test is broken).

Nothing here is secret or trusted: a program that tampers with it can only change its own answer. Expected answers, limits
and verdicts are the host's, but for the reference judges, whose flaws are part of what they give.
"""

import sys

_PRELOADED = """
abc array ast asyncio atexit base64 binascii bisect calendar cmath codecs collections collections.abc
concurrent.futures contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib dis doctest enum fnmatch
fractions functools gc getpass glob graphlib hashlib heapq hmac html inspect io ipaddress itertools json keyword linecache
locale logging math numbers operator optparse argparse os os.path pathlib pickle platform pprint queue random re reprlib
sched secrets select selectors shlex shutil signal socket stat statistics string string.templatelib struct subprocess
symtable sys tempfile textwrap threading time timeit token tokenize tomllib traceback tracemalloc types typing unicodedata
unittest urllib.parse uuid warnings weakref zlib zoneinfo
cProfile concurrent.futures.thread html.parser pstats unittest.mock
_ast_unparse _colorize _pylong _strptime annotationlib
encodings.ascii encodings.latin_1 encodings.utf_8_sig encodings.utf_16 encodings.utf_16_le encodings.utf_16_be
encodings.utf_32 encodings.cp1252 encodings.idna encodings.unicode_escape encodings.raw_unicode_escape encodings.rot_13
encodings.hex_codec encodings.base64_codec
"""

for _name in _PRELOADED.split():
    __import__(_name)

import _assay_checks as _checks
import _assay_lcb
import _assay_skythought
import atexit as _atexit
import gc as _gc
import json as _json
import os as _os
import threading as _threading
import traceback as _traceback
import types as _types

_PROGRAM = "<program>"
_JUDGE = sys.modules["__main__"]
_REFERENCES = {"lcb": _assay_lcb, "skythought": _assay_skythought}
# Packages that programs import where they are installed. What is part of Python is known by itself.
_INSTALLED_ELSEWHERE = frozenset(
    "attr cv2 cvxpy cython dateutil gmpy2 jax lxml matplotlib more_itertools networkx numba numpy ortools pandas pulp psutil pydantic "
    "pytest pytz requests scipy sklearn sortedcontainers sympy tensorflow torch tqdm typing_extensions yaml".split()
)
_code = None
_prelude = {}
_behind_prelude = False
_served = None
_reference = None


def _reply(kind, text):
    return kind + text.encode("utf-8", "backslashreplace")


def _describe(error):
    """The exception as its last traceback line would show it, with the line of the program that raised it."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _PROGRAM:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        text = str(error)
    except BaseException:
        text = "<exception without a text>"
    message = type(error).__name__ + (": " + text if text else "")
    return message if line is None else f"{message} (line {line})"


def _missing_module(error):
    """The module that is missing here but not elsewhere, or None."""
    if not isinstance(error, ImportError) or type(error.name) is not str:
        return None
    name = error.name.partition(".")[0]
    absent = name in _INSTALLED_ELSEWHERE or (name in sys.stdlib_module_names and name not in sys.modules)
    return name if absent else None


def _failure(error):
    missing = _missing_module(error)
    if missing is not None:
        return _reply(b"I", missing)
    return _reply(b"M" if isinstance(error, MemoryError) else b"E", _describe(error))


def _load(flag, source):
    global _code, _behind_prelude
    _behind_prelude = flag == b"B"
    try:
        _code = compile(source, _PROGRAM, "exec", dont_inherit=True)
    except Exception as error:
        # Besides SyntaxError: ValueError for a null byte, RecursionError and MemoryError for too deep a nesting.
        line = getattr(error, "lineno", None)
        text = getattr(error, "msg", None) or str(error)
        return _reply(b"C", f"{type(error).__name__}: {text}" + (f" (line {line})" if line else ""))
    return b"+"


def _new_main(name):
    """The names of a module to run the program in. Where a function of it is called it is no script: a main guard does not run."""
    main = _types.ModuleType(name)
    main.__dict__["__builtins__"] = __builtins__
    if _behind_prelude:
        main.__dict__.update(_prelude)
        sys.setrecursionlimit(50000)
        sys.set_int_max_str_digits(50000)
    sys.modules[name] = main
    return main.__dict__


def _flush():
    """What an interpreter does when it ends: exit functions, then the standard streams."""
    _atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        if not getattr(stream, "closed", True):
            stream.flush()


def _script():
    try:
        try:
            exec(_code, _new_main("__main__"))
        except SystemExit as exit:
            if exit.code is not None and exit.code != 0:
                return _reply(b"E", f"SystemExit: {exit.code}")
        finally:
            _flush()
    except BaseException as error:
        return _failure(error)
    return b"+"


def _entry(main, name):
    """The function that a test calls: a method of `Solution`, if the program has such a class, else a plain function."""
    solution = main.get("Solution")
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)
    if name not in main:
        raise NameError(f"the program defines no function {name!r}")
    return main[name]


def _call(request):
    try:
        name, *arguments = request.decode().split("\n")
        main = _new_main("program")
        exec(_code, main)
        result = _entry(main, name)(*map(_json.loads, arguments))
        # What counts is the number, however long its text.
        sys.set_int_max_str_digits(0)
        if type(result) is int:
            return b"+" + str(result).encode()
        try:
            return b"+" + _json.dumps(result).encode()
        except (TypeError, ValueError):
            return _reply(b"+", "not JSON: " + repr(result))
    except BaseException as error:
        return _failure(error)


def _serve():
    global _served
    main = _new_main("program")
    try:
        exec(_code, main)
    except BaseException as error:
        return _failure(error)
    _served = _checks.Served(main)
    return b"+"


def _run_test(request):
    kind, text = _checks.run_test(*_json.loads(request))
    return _reply(kind.encode(), text)


def _refer(request):
    global _reference
    judge, source, function = _json.loads(request)
    _reference = _REFERENCES[judge]
    try:
        _reference.load(source, function)
    except SyntaxError as error:
        return _reply(b"C", _describe(error))
    except Exception as error:
        return _failure(error)
    except BaseException as error:
        return _reply(b"D", _describe(error))
    return b"+"


def _refer_test(request):
    if len(request) > 1 << 20:
        # The last test's input is in a cycle of that judge's stand-ins.
        _gc.collect()
    try:
        passed, output = _reference.test(*_json.loads(request))
        return b"+" if passed else _reply(b"W", str(output))
    except Exception as error:
        return _failure(error)
    except BaseException as error:
        return _reply(b"D", _describe(error))


def handle(request):
    kind, body = request[:1], request[1:]
    match kind:
        case b"L":
            return _load(body[:1], body[1:])
        case b"S":
            return _script()
        case b"F":
            return _call(body)
        case b"N":
            return _serve()
        case b"O":
            return _reply(b"+", _served.answer(body))
        case b"T":
            return _run_test(body)
        case b"R":
            return _refer(body)
        case b"r":
            return _refer_test(body)


def _import_prelude():
    """The names that the benchmarks' imports give a program, in their order: later ones win."""
    # Programs use this as a number beyond all others, which 2**31 - 1 is not.
    sys.maxsize = 2**63 - 1
    exec(_assay_lcb.PRELUDE, _prelude)
    del _prelude["__builtins__"]


def _start_now(thread):
    """There are no threads: one runs to its end when it is started. Programs use one for its bigger stack."""
    if thread._started.is_set():
        raise RuntimeError("threads can only be started once")
    thread._started.set()
    try:
        thread.run()
    except SystemExit:
        pass
    except BaseException:
        _traceback.print_exc()


def _stand_in_for_threads():
    _threading.Thread.start = _start_now
    _threading.Thread.join = lambda thread, timeout=None: None
    _threading.Thread.is_alive = lambda thread: False
    _threading.stack_size = lambda size=0: 0


def _stand_in_for_resource():
    """Programs import `resource` to have a bigger stack."""
    resource = _types.ModuleType("resource")
    resource.RLIM_INFINITY = -1
    for number, name in enumerate("CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS".split()):
        setattr(resource, "RLIMIT_" + name, number)
    resource.getrlimit = lambda which: (-1, -1)
    resource.setrlimit = lambda which, limits: None
    sys.modules["resource"] = resource


def _seal():
    """Forgets what came from the machine that made the image, and makes the image cheap to start from."""
    _os.environ.clear()
    sys.argv[:] = ["program.py"]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = False
    recursion_limit = sys.getrecursionlimit()
    _import_prelude()
    _stand_in_for_threads()
    _stand_in_for_resource()
    handle(b"LBprint(end='')\ndef f(x):\n return x")
    handle(b"S")
    handle(b"Ff\n1")
    sys.setrecursionlimit(recursion_limit)
    sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    global _code, _behind_prelude
    _code, _behind_prelude = None, False
    sys.modules["__main__"] = _JUDGE
    _gc.collect()
    _gc.freeze()
    # Looking for cycles five times less often than by default: programs of many objects end up to a tenth sooner.
    _gc.set_threshold(10_000)


_seal()
