"""Compares answers inside the sandbox: the grader of math-verify, and the symbolic part of SkyThought's.

Run once when the image is made; the interpreter's memory is kept and each comparison starts from a copy of it. The host
calls `handle` with a bytes object, in the form that judge.py has for the call of a function:

    b"L"                    nothing to load; the reply is b"+"
    b"F" + name + lines     call a function of _GRADERS; one JSON value per line is one argument

The reply is one letter and a text: "+" (what the function returned, as JSON), "E" (the comparison could not be made), "I"
(the image lacks a module), "M" (it ran out of memory). Answers are untrusted text: whatever they make the interpreter do can only change the result of
their own comparison.
"""

import sys

sys.path.insert(0, "/lib/packages")

import gc as _gc
import importlib as _importlib
import json as _json
import logging as _logging
import math as _math
import os as _os
import pkgutil as _pkgutil
import types as _types
import typing as _typing

for _name in """
_pylong _strptime bisect cmath decimal fractions heapq inspect numbers operator pickle random statistics string textwrap
unicodedata encodings.ascii encodings.latin_1 encodings.idna encodings.unicode_escape encodings.raw_unicode_escape
""".split():
    __import__(_name)


# ---- Making the packages work here


def _provide_stubs():
    """Stand-ins for two modules that this Python lacks and of which little is wanted."""
    ctypes = _types.ModuleType("ctypes")
    ctypes.c_long = None
    # As on a 64-bit machine. sympy asks for the largest number that a C library of its own would accept.
    ctypes.sizeof = lambda kind: 8
    sys.modules["ctypes"] = ctypes
    typing_io = _types.ModuleType("typing.io")
    typing_io.TextIO = _typing.TextIO
    sys.modules["typing.io"] = typing_io


def _import_latex2sympy2():
    """The reader of latex2sympy2 1.9.1, whose parser tables have the form of ANTLR 4.7, under the runtime of 4.13.

    The form differs in characters instead of numbers, with an offset of two; a UUID after the version; 0xFFFF for -1; and a
    second list of character sets, with 32-bit ranges.
    """
    import antlr4
    from antlr4.IntervalSet import IntervalSet

    class Deserializer(antlr4.ATNDeserializer):
        def deserialize(self, text):
            if text[0] != "\3":
                raise ValueError("the parser tables have another form")
            words = [ord(c) - 2 if ord(c) > 1 else ord(c) + 65533 for c in text]
            return super().deserialize([4] + words[9:])

        def readInt(self):
            word = super().readInt()
            return -1 if word == 0xFFFF else word

        def readSets(self, atn, sets):
            read = super().readInt
            for read_end in (read, lambda: read() | read() << 16):
                for _ in range(read()):
                    ranges = IntervalSet()
                    count, holds_end_of_text = read(), read()
                    if holds_end_of_text:
                        ranges.addOne(-1)
                    for _ in range(count):
                        first = read_end()
                        ranges.addRange(range(first, read_end() + 1))
                    sets.append(ranges)

    current = antlr4.ATNDeserializer
    antlr4.ATNDeserializer = Deserializer
    try:
        import latex2sympy2
    finally:
        antlr4.ATNDeserializer = current
    for kind in (latex2sympy2.PSLexer, latex2sympy2.PSParser):
        # It would say on standard output that it was made for another runtime.
        kind.checkVersion = lambda self, version: None
    return latex2sympy2.latex2sympy


def _import_all(name):
    """Imports a package with what is below it: when answers are compared, there are no files to import from."""
    skipped = "tests benchmarks physics plotting testing interactive autolev codegen".split()
    package = _importlib.import_module(name)
    for module in _pkgutil.iter_modules(package.__path__, name + "."):
        if module.name.rpartition(".")[2] in skipped:
            continue
        try:
            if module.ispkg:
                _import_all(module.name)
            else:
                _importlib.import_module(module.name)
        except Exception:
            # It wants a package that is optional, and so is this module then.
            pass


_provide_stubs()
for _name in ("mpmath", "sympy"):
    _import_all(_name)
_latex2sympy2 = _import_latex2sympy2()

import math_verify as _math_verify
import sympy as _sympy
from sympy.parsing.sympy_parser import parse_expr as _parse_expr

_logging.disable(_logging.CRITICAL)


# ---- What packages would hide

_OURS = frozenset(sys.stdlib_module_names) | {
    "antlr4", "gen", "latex2sympy2", "latex2sympy2_extended", "math_verify", "mpmath", "sympy",
}
_trouble = []


def _watch(code, offset, error):
    """Notes exceptions that say that the sandbox, not the answer, is at fault. The packages catch every exception, and would
    call the answers different."""
    if isinstance(error, MemoryError):
        _trouble.append(b"M")
    elif isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _OURS:
        _trouble.append(b"I" + error.name.encode())


sys.monitoring.use_tool_id(sys.monitoring.DEBUGGER_ID, "grade")
sys.monitoring.register_callback(sys.monitoring.DEBUGGER_ID, sys.monitoring.events.RAISE, _watch)
sys.monitoring.set_events(sys.monitoring.DEBUGGER_ID, sys.monitoring.events.RAISE)


# ---- The graders


def _targets(options):
    """What math-verify looks for in a text. Named kinds are looked for as its own test suite does: boxes first."""
    kinds = options.get("match_types")
    if kinds is None:
        return [_math_verify.LatexExtractionConfig(), _math_verify.ExprExtractionConfig()]
    strings = {}
    if "strings" in options:
        strings["strings"] = tuple(options["strings"])
    if "lowercase" in options:
        strings["lowercase"] = options["lowercase"]
    make = {
        "latex": lambda: _math_verify.LatexExtractionConfig(boxed_match_priority=0),
        "expr": lambda: _math_verify.ExprExtractionConfig(),
        "string": lambda: _math_verify.StringExtractionConfig(**strings),
    }
    return [make[kind]() for kind in kinds]


def _compare_by_math_verify(gold, prediction, options):
    """Gives whether math-verify calls two texts equal, the texts that it found in each, and whether it read each of them as an
    expression."""
    targets = _targets(options)
    gold = _math_verify.parse(gold, targets, parsing_timeout=None)
    prediction = _math_verify.parse(prediction, targets, parsing_timeout=None)
    equal = _math_verify.verify(
        gold,
        prediction,
        float_rounding=options.get("precision", 6),
        strict=options.get("strict", True),
        allow_set_relation_comp=options.get("allow_set_relation_comp", False),
        timeout_seconds=None,
    )
    sides = (gold, prediction)
    texts = [[found for found in side if isinstance(found, str)] for side in sides]
    read = [any(not isinstance(found, str) for found in side) for side in sides]
    return [bool(equal), *texts, *read]


def _attempt(function, *arguments):
    """What the function returns, or None if it raises anything. (The grader that is followed here catches everything.)"""
    try:
        return function(*arguments)
    except BaseException:
        return None


def _read_for_skythought(text):
    """SkyThought tries three readers, the first of which refuses to work in its environment (it wants another ANTLR). Each
    sees the text with doubled backslashes made single, then as it is."""
    for reader in (_parse_expr, _latex2sympy2):
        for form in (text.replace("\\\\", "\\"), text):
            try:
                return reader(form)
            except BaseException:
                continue
    return text


def _rounded(matrix):
    return matrix.applyfunc(lambda entry: round(entry, 3))


def _compare_by_skythought(left, right):
    """The last resort of SkyThought's `math_equal`: five tests, each of which counts only if it succeeds."""
    left, right = _read_for_skythought(left), _read_for_skythought(right)
    tests = (
        lambda: str(left) == str(right) or left == right,
        lambda: left.equals(right) or _sympy.simplify(left - right) == 0,
        lambda: abs(left.lhs - left.rhs).equals(abs(right.lhs - right.rhs)),
        lambda: _math.isclose(float(_sympy.N(left)), float(_sympy.N(right)), rel_tol=1e-4),
        lambda: left.shape == right.shape and _rounded(left).equals(_rounded(right)),
    )
    return any(_attempt(lambda: bool(test())) for test in tests)


_GRADERS = {"math-verify": _compare_by_math_verify, "skythought": _compare_by_skythought}


def handle(request):
    if request[:1] == b"L":
        return b"+"
    try:
        name, *arguments = request[1:].decode().split("\n")
        result = _GRADERS[name](*map(_json.loads, arguments))
        return _trouble[0] if _trouble else b"+" + _json.dumps(result).encode()
    except MemoryError:
        return b"M"
    except BaseException as error:
        return b"E" + f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace")


# ---- The state that every comparison starts from

# Comparing fills caches: of the parsers, of regular expressions, of sympy. With these the first answer is as fast as later
# ones. Each line is compared with itself and with the next.
_WARM_UP = r"""
$\frac{1}{2}$
$0.5$
The answer is 1/2.
Final answer: $x = \sqrt{2} + 3$. I hope it is correct.
So we get $\boxed{\frac{3\sqrt{5}}{7} - 2\pi}$.
12,345.60
$25\%$
$(1, 2] \cup [3, \infty)$
$\{1, 2, 3\}$
$(2, -3, 7)$
$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$
$x^2 + 2x + 1$
$(x + 1)^2$
$y = 3x - 4$
$2 < x \le 5$
$x^{2} - y^{2} = 1$
$\sin(\theta) + \cos\left(\frac{\pi}{3}\right)$
$e^{i\pi} + 1$
$\log_2 8$
$\ln 3$
$\binom{5}{2} + 4!$
$\sum_{k=1}^{n} k^2$
$\int_0^1 x\,dx$
$\lim_{x \to 0} \frac{\sin x}{x}$
$|x - 3|$
$3 + 4i$
$10\text{ cm}^2$
$\text{Monday}$
$45^\circ$
$1\frac{3}{4}$
$x \in [-1, 1]$
$\pm 5$
$a_1 = 7, a_2 = 9$
"""


def _warm_up():
    lines = _WARM_UP.strip().split("\n")
    for gold, prediction in zip(lines, lines[1:] + lines[:1]):
        for pair in ((gold, gold), (gold, prediction)):
            _compare_by_math_verify(*pair, {})
            _compare_by_math_verify(*pair, {"match_types": ["latex", "expr"]})
            _compare_by_skythought(*(text.replace("$", "") for text in pair))
    if not _compare_by_math_verify("$\\frac{1}{2}$", "0.5", {})[0] or not _compare_by_skythought("\\frac{2}{4}", "1/2"):
        raise RuntimeError("the packages do not work")
    if _trouble:
        raise RuntimeError(_trouble[0].decode())


def _seal():
    """Forgets what came from the machine that made the image, and makes the image cheap to start from."""
    _warm_up()
    _os.environ.clear()
    sys.argv[:] = ["grade.py"]
    sys.path[:] = []
    sys.path_importer_cache.clear()
    _gc.collect()
    _gc.freeze()


_seal()
