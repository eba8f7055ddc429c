"""LiveCodeBench's judge at commit 28fef95, its flaws included, for numbers that were made by it.

Written from what that judge was observed to do, to give the same results: one interpreter for all tests of a program, the
program's statements wrapped in a function, a fake standard input, and a comparison inside the interpreter, where the
program can reach it. Names that programs are known to look for (`get_stripped_lines`, `gt_out`) are therefore kept.
Time limits are the host's: it counts fuel.
"""

import ast
import builtins
import io
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from types import ModuleType
from unittest.mock import mock_open, patch

PRELUDE = (
    "from string import *\nfrom re import *\nfrom datetime import *\nfrom collections import *\nfrom heapq import *\n"
    "from bisect import *\nfrom copy import *\nfrom math import *\nfrom random import *\nfrom statistics import *\n"
    "from itertools import *\nfrom functools import *\nfrom operator import *\nfrom io import *\nfrom sys import *\n"
    "from json import *\nfrom builtins import *\nfrom typing import *\n"
    "import string\nimport re\nimport datetime\nimport collections\nimport heapq\nimport bisect\nimport copy\nimport math\n"
    "import random\nimport statistics\nimport itertools\nimport functools\nimport operator\nimport io\nimport sys\n"
    "import json\nsys.setrecursionlimit(50000)\n"
)

# What that judge takes away from the program before it runs.
_TAKEN = {
    os: "kill system putenv remove removedirs rmdir fchdir setuid fork forkpty killpg rename renames truncate replace unlink "
    "fchmod fchown chmod chown chroot lchflags lchmod lchown getcwd chdir",
    shutil: "rmtree move chown",
    subprocess: "Popen",
    builtins: "quit help",
}
_HIDDEN_MODULES = "ipdb joblib resource psutil tkinter"

_method = None
_calls = False


class MockBuffer:
    """Bytes that never run out: every `read` starts over, every `readline` gives the first line."""

    def __init__(self, inputs):
        self.inputs = inputs.encode("utf-8")

    def read(self, *args):
        return self.inputs

    def readline(self, *args):
        return self.inputs.split(b"\n")[0] + b"\n"


class MockStdinWithBuffer:
    """Text that is not an iterator, though it has what else a `StringIO` has."""

    def __init__(self, inputs):
        self.inputs = inputs
        self._stringio = io.StringIO(inputs)
        self.buffer = MockBuffer(inputs)

    def read(self, *args):
        return self.inputs

    def readline(self, *args):
        return self._stringio.readline(*args)

    def readlines(self, *args):
        return self.inputs.split("\n")

    def __getattr__(self, name):
        return getattr(self._stringio, name)


def _without_main_guard(code):
    try:
        tree = ast.parse(code)
        last = tree.body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test).strip() == "__name__ == '__main__'":
            return ast.unparse(tree.body[:-1]) + "\n" + ast.unparse(last.body)
    except Exception:
        pass
    return code


def _wrapped(code):
    """All statements but imports inside one function. Code that does not parse is left alone."""
    try:
        tree = ast.parse(code)
        imports = [stmt for stmt in tree.body if isinstance(stmt, (ast.Import, ast.ImportFrom))]
        others = [stmt for stmt in tree.body if not isinstance(stmt, (ast.Import, ast.ImportFrom))]
        nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        function = ast.FunctionDef(name="wrapped_function", args=nothing, body=others, decorator_list=[], lineno=-1)
        return PRELUDE + "\n" + ast.unparse(imports) + "\n" + ast.unparse(function)
    except Exception:
        return code


def take_away(left=()):
    """Takes from the program what those judges take away, but for the names that are `left`."""
    for module, names in _TAKEN.items():
        for name in names.split():
            if name not in left:
                setattr(module, name, None)
    for name in _HIDDEN_MODULES.split():
        sys.modules[name] = None


def load(code, function):
    """Loads the program; an exception means that every test fails with an error."""
    global _method, _calls
    _calls = function is not None
    sys.set_int_max_str_digits(50000)
    take_away()
    code = PRELUDE + "\n\n" + code if _calls else _wrapped(_without_main_guard(code))
    module = ModuleType("tmp_sol", "")
    exec(code, module.__dict__)
    owner = module.Solution() if "class Solution" in code else module
    _method = getattr(owner, function if _calls else "wrapped_function", None)
    if _method is None:
        raise TypeError("cannot unpack non-iterable NoneType object")


def _call(inputs):
    lines = iter(inputs.split("\n"))
    # In this order: the real input, which `from sys import stdin` has kept, gets other methods than what then takes its place.
    with (
        patch("sys.stdin.read", lambda *args: inputs),
        patch("sys.stdin.readlines", lambda *args: inputs.split("\n")),
        patch("sys.stdin.readline", lambda *args: next(lines)),
        patch("sys.stdin", MockStdinWithBuffer(inputs)),
        patch("builtins.open", mock_open(read_data=inputs)),
    ):
        try:
            return _method()
        except SystemExit:
            pass


def get_stripped_lines(text):
    return [line.strip() for line in text.strip().split("\n")]


def convert_line_to_decimals(line):
    try:
        return True, [Decimal(word) for word in line.split()]
    except Exception:
        return False, []


def _same_output(prediction, gt_out):
    ours, theirs = get_stripped_lines(prediction), get_stripped_lines(gt_out)
    if len(ours) != len(theirs):
        return False
    for line, expected in zip(ours, theirs):
        if line == expected:
            continue
        numeric, numbers = convert_line_to_decimals(line)
        if not numeric:
            return False
        numeric, expected_numbers = convert_line_to_decimals(expected)
        if not numeric or numbers != expected_numbers:
            return False
    return True


def grade_call_based(gt_inp, gt_out):
    prediction = _method(*gt_inp)
    if isinstance(prediction, tuple):
        prediction = list(prediction)
    result = prediction == gt_out
    return bool(result), prediction


def grade_stdio(gt_inp, gt_out):
    captured = io.StringIO()
    captured.close = lambda x: 1
    stdout, sys.stdout = sys.stdout, captured
    try:
        _call(gt_inp)
    finally:
        sys.stdout = stdout
    prediction = captured.getvalue()
    return _same_output(prediction, gt_out), prediction


def test(gt_inp, gt_out):
    """One test. Gives whether it passed, and what the program gave."""
    if _calls:
        return grade_call_based([json.loads(line) for line in gt_inp.split("\n")], json.loads(gt_out))
    return grade_stdio(gt_inp, gt_out)
