"""The judge's side of the guest, run once while the image is made.

It imports what programs commonly import and leaves one function, `handle`, which the host calls with a request:

    b"L" + flags + source   compile the program and keep it; first flag b"B": it runs behind the benchmarks' imports, b"-": it does not;
                            second flag b"W": this is the second run, with sizes of 64 bits (see wide.py) and threads that wait
                            (see threads.py), b"-": it is the first
    b"S"                    run it as a script: standard input to standard output
    b"F" + name + lines     run it, then call a function of it; one JSON value per line is one argument
    b"D" + json             what of a test's setup a program finds defined: [setup, test, entry] gives texts. No program is loaded then
                            or later: it would find the request in its memory
    b"N" + json             run it behind these texts
    b"O" + json             then answer what the test, in another interpreter, asks about it (see checks.py)
    b"T" + json             run a test that asks about a program in another interpreter: [setup, test, entry]
    b"R" + flag + json      load a program as a reference judge does: [judge, source, function] (see lcb.py, skythought.py); the
                            flag is the second one of b"L"
    b"r" + json             judge it on one test as that judge does: [input, output]

The reply is one letter and a text: "+" (done; what a function returned, as JSON), "W" (a wrong answer), "C" (the program does not
compile), "E" (it raised an exception), "I" (it imports a module that the image lacks), "M" (the exception was MemoryError),
"D" (it ended the reference judge's process), "J" (the test is broken), "V" (it needs what a second run makes up for),
"P" (it needs what this platform cannot do).

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
cProfile concurrent.futures.thread html.parser pstats unittest._log unittest.async_case unittest.mock
__future__ bdb cmd code codeop colorsys configparser email filecmp fileinput getopt gettext html.entities importlib.abc
importlib.metadata importlib.resources importlib.util json.tool logging.config logging.handlers mimetypes modulefinder
nturl2path pdb pickletools pkgutil plistlib profile pyclbr quopri rlcompleter runpy sre_compile sre_constants sre_parse
stringprep tabnanny trace urllib.error wave xml.dom.minidom xml.etree.ElementTree xml.sax zipfile
_ast_unparse _colorize _pylong _strptime annotationlib
encodings.ascii encodings.latin_1 encodings.utf_8_sig encodings.utf_16 encodings.utf_16_le encodings.utf_16_be
encodings.utf_32 encodings.cp1252 encodings.idna encodings.unicode_escape encodings.raw_unicode_escape encodings.rot_13
encodings.hex_codec encodings.base64_codec
"""

for _name in _PRELOADED.split():
    __import__(_name)

# Where packages are that are no part of Python (lockfiles/python-image.lock).
sys.path.append("/lib/packages")
import sortedcontainers

sys.path.pop()

# First, because the others keep classes that it puts in the place of the library's.
import _assay_older as _older
import _assay_checks as _checks
import _assay_errno as _errno
import _assay_lcb
import _assay_missing as _missing
import _assay_rewrite as _rewrite
import _assay_skythought
import _assay_texts as _texts
import _assay_threads as _threads
import _assay_wide as _wide
import atexit as _atexit
import gc as _gc
import io as _io
import json as _json
import math as _math
import os as _os
import tempfile as _tempfile
import types as _types
import zoneinfo as _zoneinfo
from _assay_remote import Unsupported
from _assay_served import Served
from decimal import Decimal as _Decimal
from fractions import Fraction as _Fraction

_PROGRAM = "<program>"
# A program may have put others in the place of these.
_STDOUT, _STDERR = sys.__stdout__, sys.__stderr__
_JUDGE = sys.modules["__main__"]
_REFERENCES = {"lcb": _assay_lcb, "skythought": _assay_skythought}
_code = None
_prelude = {}
_behind_prelude = False
# Whether the program has a name by which files are opened.
_may_open = False
# Whether sizes have 64 bits, and whether the program has failed for want of them, or of threads, before.
_is_wide = False
_is_second_run = False
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


def _failure(error):
    lacking = _missing.part(error)
    if lacking is not None:
        return _reply(b"P", lacking)
    missing = _missing.module(error)
    if missing is not None:
        return _reply(b"I", missing)
    if isinstance(error, _threads.Unsupported):
        return _reply(b"P" if _is_second_run else b"V", str(error))
    if isinstance(error, _zoneinfo.ZoneInfoNotFoundError):
        return _reply(b"P", "time zones")
    if _wide.is_too_narrow(error):
        return _reply(b"P" if _is_second_run else b"V", _describe(error))
    return _reply(b"M" if isinstance(error, MemoryError) else b"E", _describe(error))


def _widen():
    global _is_wide
    if not _is_wide:
        _is_wide = True
        _wide.widen(_prelude)


def _run_with(flag):
    """What the platform lacks is made up for as far as it goes, at a price, if this is the second run."""
    global _is_second_run
    _is_second_run = flag == b"W"
    if _is_second_run:
        _widen()


def _load(flags, source):
    global _code, _behind_prelude, _may_open
    _behind_prelude = flags[:1] == b"B"
    _may_open = any(word in source for word in (b"open", b"Wrapper", b"Writer", b"Buffered"))
    _texts.of_program(_PROGRAM, source)
    _run_with(flags[1:])
    _threads.expect(source, _is_second_run)
    if _wide.has_long_format(source):
        _widen()
    try:
        _code = _rewrite.compiled(source, _PROGRAM, _is_wide)
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
    main.__dict__["__annotations__"] = {}
    main.__dict__["__file__"] = "/program.py"
    if _behind_prelude:
        main.__dict__.update(_prelude)
        sys.setrecursionlimit(50000)
        sys.set_int_max_str_digits(50000)
    sys.modules[name] = main
    return main.__dict__


def _flush():
    for stream in (sys.stdout, sys.stderr):
        # A stand-in of the program's may lack both.
        if stream is not None and not getattr(stream, "closed", False) and hasattr(stream, "flush"):
            stream.flush()
    _flush_own()


def _flush_own():
    for stream in (_STDOUT, _STDERR):
        try:
            stream.flush()
        except ValueError:
            # It was closed, or the program has taken its buffer for a stream of its own.
            pass


def _flush_files():
    """Flushes what the program has opened itself: of a file in a cycle, the raw part may be given up before its buffers."""
    buffers = (_io.BufferedWriter, _io.BufferedRandom, _io.BufferedRWPair)
    for kinds in (_io.TextIOWrapper, buffers):
        for file in [file for file in _gc.get_objects() if issubclass(type(file), kinds)]:
            try:
                file.flush()
            except Exception:
                # It was closed, or only reads. At an interpreter's end nobody hears of it.
                pass


def _end():
    """What an interpreter does when it ends: exit functions, then the standard streams, then all that the program holds.

    Of a file that nobody has closed, what was written to it comes out when it is given up.
    """
    _atexit._run_exitfuncs()
    _flush()
    if _may_open:
        _flush_files()
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, _STDOUT, _STDERR
    sys.modules["__main__"] = _JUDGE
    _gc.collect()
    _flush_own()


def _script():
    try:
        try:
            try:
                exec(_code, _new_main("__main__"))
            finally:
                _threads.run_pending()
        except SystemExit as exit:
            if exit.code is not None and exit.code != 0:
                return _reply(b"E", f"SystemExit: {exit.code}")
        finally:
            _end()
    except BaseException as error:
        return _failure(error)
    return b"+"


def _entry(main, name):
    """The function that a test calls: a method of `Solution`, if the program has such a class, else a plain function."""
    solution = main.get("Solution")
    if isinstance(solution, type):
        if hasattr(solution, name):
            return getattr(solution(), name)
        # It may be an attribute that only an object has.
        if name not in main and hasattr(own := solution(), name):
            return getattr(own, name)
    if name not in main:
        raise NameError(f"the program defines no function {name!r}")
    return main[name]


def _is_plain(number):
    """Whether an exact number is equal to one that JSON has."""
    finite = isinstance(number, _Fraction) or number.is_finite()
    return finite and (number == int(number) or float(number) == number)


def _call(request):
    try:
        name, *arguments = request.decode().split("\n")
        main = _new_main("program")
        exec(_code, main)
        result = _entry(main, name)(*map(_json.loads, arguments))
        # What counts is the number, however long its text.
        sys.set_int_max_str_digits(0)
        if isinstance(result, (_Decimal, _Fraction)) and _is_plain(result):
            result = int(result) if result == int(result) else float(result)
        if type(result) is int:
            return b"+" + str(result).encode()
        try:
            return b"+" + _json.dumps(result).encode()
        except (TypeError, ValueError):
            return _reply(b"+", "not JSON: " + repr(result))
    except BaseException as error:
        return _failure(error)


def _serve(request):
    global _served
    main = _new_main("program")
    _served = Served()
    try:
        for definition in _json.loads(request):
            _define(definition, main)
        exec(_code, main)
    except BaseException as error:
        return _failure(error)
    _served.start(main)
    return b"+"


def _define(definition, main):
    try:
        exec(_rewrite.compiled(definition.encode(), "<setup>", _is_wide), main)
    except Exception:
        # The program may do without it.
        pass


def _answer(question):
    try:
        return _reply(b"+", _served.answer(question))
    except BaseException as error:
        return _failure(error)


class _Numpy(_types.ModuleType):
    """What EvalPlus' tests use of numpy, by numpy's rules: they compare numbers, in lists or not, with a tolerance."""

    float32 = float64 = float
    inf, nan = float("inf"), float("nan")

    class ndarray:
        """Nothing is an array where there is no numpy."""

    @staticmethod
    def allclose(left, right, rtol=1e-05, atol=1e-08):
        if not isinstance(left, (list, tuple)) and not isinstance(right, (list, tuple)):
            if _math.isinf(left) or _math.isinf(right):
                return bool(left == right)
            return bool(left == right or abs(left - right) <= atol + rtol * abs(right))
        left, right = ([*side] if isinstance(side, (list, tuple)) else [side] for side in (left, right))
        if not left or not right:
            return not left and not right
        length = max(len(left), len(right))
        left, right = (side * length if len(side) == 1 else side for side in (left, right))
        if len(left) != len(right):
            raise ValueError(f"operands could not be broadcast together with shapes ({len(left)},) ({len(right)},)")
        return all(_Numpy.allclose(*pair, rtol, atol) for pair in zip(left, right))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unsupported(f"the image has no numpy, and the judge no numpy.{name}")


def _run_test(request):
    sys.modules["numpy"] = _Numpy("numpy")
    kind, text = _checks.run_test(*_json.loads(request))
    return _reply(kind.encode(), text)


def _refer(flag, request):
    global _reference
    judge, source, function = _json.loads(request)
    _run_with(flag)
    _reference = _REFERENCES[judge]
    try:
        _reference.load(source, function)
    except _threads.Unsupported as error:
        return _failure(error)
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
    except (Exception, _threads.Unsupported) as error:
        return _failure(error)
    except BaseException as error:
        return _reply(b"D", _describe(error))


def handle(request):
    kind, body = request[:1], request[1:]
    match kind:
        case b"L":
            return _load(body[:2], body[2:])
        case b"S":
            return _script()
        case b"F":
            return _call(body)
        case b"D":
            return _reply(b"+", _json.dumps(_checks.definitions(*_json.loads(body))))
        case b"N":
            return _serve(body)
        case b"O":
            return _answer(body)
        case b"T":
            return _run_test(body)
        case b"R":
            return _refer(body[:1], body[1:])
        case b"r":
            return _refer_test(body)


def _import_prelude():
    """The names that the benchmarks' imports give a program, in their order: later ones win."""
    # Programs use this as a number beyond all others, which 2**31 - 1 is not.
    sys.maxsize = 2**63 - 1
    exec(_assay_lcb.PRELUDE, _prelude)
    del _prelude["__builtins__"]


def _stand_in_for_a_redirected_file():
    """Programs ask how long their input is, which is a file wherever they are judged."""
    fstat = _os.fstat
    _os.fstat = lambda fd: _os.stat("/dev/stdin") if fd == 0 else fstat(fd)


def _seal():
    """Forgets what came from the machine that made the image, and makes the image cheap to start from."""
    _missing.list_modules()
    _os.environ.clear()
    sys.argv[:] = ["program.py"]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = False
    recursion_limit = sys.getrecursionlimit()
    _threads.stand_in()
    _older.restore()
    _errno.stand_in()
    _import_prelude()
    _stand_in_for_a_redirected_file()
    # Programs find a folder for temporary files. Writing there is refused, with the reason.
    _tempfile.tempdir = "/tmp"
    handle(b"LB-print(end='')\ndef f(x):\n return x")
    handle(b"S")
    handle(b"Ff\n1")
    sys.setrecursionlimit(recursion_limit)
    sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    global _code, _behind_prelude, _may_open
    _code, _behind_prelude, _may_open = None, False, False
    sys.modules["__main__"] = _JUDGE
    _gc.collect()
    _gc.freeze()
    # Looking for cycles five times less often than by default: programs of many objects end up to a tenth sooner.
    _gc.set_threshold(10_000)


_seal()
