"""The judge's side of the guest, run once while the image is made.

It imports what programs commonly import and leaves one function, `handle`, which the host calls with a request:

    b"L" + source      compile the program and keep it
    b"S"               run it as a script: standard input to standard output
    b"F" + json        run it, then call a function of it: [name, [arguments...]]

The reply is one letter and a text: "+" (what a function returned, as JSON), "C" (the program does not compile),
"E" (it raised an exception), "M" (the exception was MemoryError).

Nothing here is secret or trusted: a program that tampers with it can only change its own answer. Expected answers, limits
and verdicts are the host's.
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

import atexit as _atexit
import gc as _gc
import json as _json
import os as _os
import types as _types

_PROGRAM = "<program>"
_JUDGE = sys.modules["__main__"]
_code = None


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
    return _reply(b"M" if isinstance(error, MemoryError) else b"E", _describe(error))


def _load(source):
    global _code
    try:
        _code = compile(source, _PROGRAM, "exec", dont_inherit=True)
    except Exception as error:
        # Besides SyntaxError: ValueError for a null byte, RecursionError and MemoryError for too deep a nesting.
        line = getattr(error, "lineno", None)
        text = getattr(error, "msg", None) or str(error)
        return _reply(b"C", f"{type(error).__name__}: {text}" + (f" (line {line})" if line else ""))
    return b"+"


def _new_main():
    main = _types.ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
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
            exec(_code, _new_main())
        except SystemExit as exit:
            if exit.code is not None and exit.code != 0:
                return _reply(b"E", f"SystemExit: {exit.code}")
        finally:
            _flush()
    except BaseException as error:
        return _failure(error)
    return b"+"


def _call(request):
    try:
        name, arguments = _json.loads(request)
        main = _new_main()
        exec(_code, main)
        if name not in main:
            return _reply(b"E", f"NameError: the program defines no function {name!r}")
        result = main[name](*arguments)
        # What counts is the number, however long its text.
        sys.set_int_max_str_digits(0)
        if type(result) is int:
            return b"+" + str(result).encode()
        try:
            return b"+" + _json.dumps(result, allow_nan=False).encode()
        except (TypeError, ValueError):
            return _reply(b"+", "not JSON: " + repr(result))
    except BaseException as error:
        return _failure(error)


def handle(request):
    kind, body = request[:1], request[1:]
    if kind == b"L":
        return _load(body)
    if kind == b"S":
        return _script()
    return _call(body)


def _seal():
    """Forgets what came from the machine that made the image, and makes the image cheap to start from."""
    _os.environ.clear()
    sys.argv[:] = ["program.py"]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = False
    handle(b"Lprint(end='')\ndef f(x):\n return x")
    handle(b"S")
    handle(b'F["f", [1]]')
    sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    global _code
    _code = None
    sys.modules["__main__"] = _JUDGE
    _gc.collect()
    _gc.freeze()


_seal()
