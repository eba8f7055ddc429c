"""SkyThought's LiveCodeBench judge at commit 0d190f1, its flaws included, for numbers that were made by it.

Written from what that judge was observed to do, to give the same results: one interpreter for all tests, the whole output
compared as one text, and for functions a name and arguments guessed from texts. There is one time limit for all tests, which
is the host's.
"""

import builtins
import copy
import io
import json
import sys

import _assay_lcb

_code = ""
_calls = False


def load(code, function):
    """Keeps the program: it is executed anew for each test."""
    global _code, _calls
    _code, _calls = code, function is not None
    # The same things are taken away as by LiveCodeBench's judge, and `exit` too.
    _assay_lcb.take_away(left=("help",))
    builtins.exit = None


def _number_or(text, otherwise):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return otherwise


def _guessed_argument(text):
    if text.startswith('"') and text.endswith('"'):
        return text.strip('"')
    if text.startswith("[") and text.endswith("]"):
        return json.loads(text)
    return _number_or(text, text)


def _guessed_arguments(text):
    """Arguments as that judge reads them: `name=value` pairs if there is an equals sign, else one per line."""
    if "=" not in text:
        return [_guessed_argument(line.strip()) for line in text.split("\n") if line.strip()]
    arguments = []
    for part in text.split(",") if "," in text else [text]:
        _, value = part.split("=")
        value = value.strip()
        arguments.append(_number_or(value, value.strip('"')))
    return arguments


def _guessed_value(text):
    text = text.strip()
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _function(gt_inp, gt_out):
    arguments, expected = copy.deepcopy((_guessed_arguments(gt_inp), _guessed_value(gt_out)))
    namespace = {}
    exec(_code, namespace)
    name = _code.split("(")[0].split()[-1]
    stdout, sys.stdout = sys.stdout, io.StringIO()
    try:
        result = namespace[name](*arguments)
        return not result != expected, result
    finally:
        sys.stdout = stdout


def _script(gt_inp, gt_out):
    expected = gt_out.strip()
    if expected.endswith("-"):
        expected = expected[: expected.rfind("-")].rstrip()
    code = _code
    if '__name__ == "__main__"' in code:
        code = '__name__ = "__main__"\n' + code
    # The streams stay replaced after a test, as there.
    sys.stdin, sys.stdout = io.StringIO(gt_inp), io.StringIO()
    exec(code, {})
    output = sys.stdout.getvalue().strip()
    return output == expected, output


def test(gt_inp, gt_out):
    """One test. Gives whether it passed, and what the program gave."""
    return _function(gt_inp, gt_out) if _calls else _script(gt_inp, gt_out)
