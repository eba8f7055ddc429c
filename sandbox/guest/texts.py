"""Texts of exceptions, where this interpreter words them otherwise than Python 3.11 does: programs print them, and tests compare them."""

import ast
import dis
import enum
import re
import struct

import _assay_errno as _errno

# The name of a program's code, and its text.
_program, _source = "", b""

_DOMAIN = "math domain error"


def _abstract(match):
    return f"{match[1]} with {match[2]}{match[3].replace(chr(39), '')}"


def _empty_range(match):
    start, stop = int(match[2]), int(match[3]) + (match[1] == "randint")
    return f"empty range for randrange() ({start}, {stop}, {stop - start})"


# By class: how a text looks, and what it was, as `Match.expand` takes it.
_RULES = {
    ValueError: [
        (r"(max|min)\(\) iterable argument is empty", r"\1() arg is an empty sequence"),
        (r"expected (?:a|an|argument) [^']*(?:input|number|integer|value|range)[^']*", _DOMAIN),
        (r"(too many values to unpack \(expected \d+), got \d+\)", r"\1)"),
        (r"(Out of range float values are not JSON compliant): .*", r"\1"),
        (r"empty range in (randint|randrange)\((-?\d+), (-?\d+)\)", _empty_range),
        (r"((?:month|hour|minute|second|microsecond) must be in \S+), not .*", r"\1"),
        (r"day \S+ must be in range .* for month .*", "day is out of range for month"),
        (r"year must be in 1\.\.9999, not (.*)", r"year \1 is out of range"),
    ],
    TypeError: [
        (r"cannot use '.*' as a (?:set element|dict key) \((unhashable type: .*)\)", r"\1"),
        (r"(argument of type '.*' is not) a container or (iterable)", r"\1 \2"),
        (r"(Can't instantiate abstract class .*) without an implementation for (abstract methods? )(.*)", _abstract),
        (r"(print|sort|sorted)\(\) got an unexpected keyword argument ('.*')", r"\2 is an invalid keyword argument for \1()"),
        (r"(Cannot create a consistent method resolution) (order \(MRO\) for bases .*)", r"\1\n\2"),
        (r"(?:count|find|index|rfind|rindex)\(\) argument 1 (must be str, not .*)", r"\1"),
        (r"'(?:[\w<>]+\.)*(\w+)' (object does not support the .*context manager protocol) \(missed .*\)", r"'\1' \2"),
        (r"(non-default argument '.*' follows default argument) '.*'", r"\1"),
        (r"(super\(type, obj\): obj) \(.*\) is not (an instance or subtype of type) \(.*\)\.", r"\1 must be \2"),
        (r"'(\w+)' object can't be awaited", r"object \1 can't be used in 'await' expression"),
    ],
    AttributeError: [
        (r"(.* object has no attribute '.*') and no __dict__ for setting new attributes", r"\1"),
        (r"'(?:__main__|program)\.(.*' object has no attribute '.*')", r"'\1"),
    ],
    ZeroDivisionError: [
        (r"zero to a negative power", "0.0 cannot be raised to a negative power"),
        (r"zero to a negative or complex power", "0.0 to a negative or complex power"),
    ],
    struct.error: [(r"'b' (format requires .*)", r"byte \1"), (r"'B' (format requires .*)", r"ubyte \1")],
}
_COMPILED = {kind: [(re.compile(pattern), text) for pattern, text in rules] for kind, rules in _RULES.items()}


def of_program(filename, source):
    """The program that is run: its operands say which numbers were divided."""
    global _program, _source
    _program, _source = filename, source


def restore(error):
    """Gives an exception of Python's own the text that it had."""
    if isinstance(error, OSError):
        _errno.restore(error)
        return
    if _is_of_program(error):
        return
    arguments = error.args
    if len(arguments) == 1 and type(arguments[0]) is str:
        text = _restored(error, arguments[0])
        if text != arguments[0]:
            error.args = (text,)
    elif type(error) is OverflowError and len(arguments) == 2 and arguments[0] == _errno.OUT_OF_RANGE:
        error.args = (34, "Numerical result out of range")


def _last(trace):
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _is_of_program(error):
    """Whether a statement of the program's raised it: its text is the program's own."""
    trace = _last(error.__traceback__)
    if trace is None or trace.tb_frame.f_code.co_filename != _program:
        return False
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _restored(error, text):
    kind = type(error)
    if kind is AttributeError and isinstance(error.obj, enum.EnumType):
        return error.name
    if kind is TypeError and text == "object is not iterable" and getattr(error, "__notes__", None):
        # Which one is not, is told in a note.
        return error.__notes__.pop().replace("Cannot", "cannot", 1)
    for pattern, former in _COMPILED.get(kind, ()):
        match = pattern.fullmatch(text)
        if match is not None:
            return former(match) if callable(former) else match.expand(former)
    if kind is ZeroDivisionError and text == "division by zero":
        return _of_division(error, text)
    return _of_search(error, text) if kind is ValueError and text in _SEARCHES else text


# ---- what depends on the operands ----

_DIVISIONS = {
    ast.FloorDiv: ("integer division or modulo by zero", "float floor division by zero"),
    ast.Mod: ("integer modulo by zero", "float modulo"),
    ast.Div: ("division by zero", "float division by zero"),
    "divmod": ("integer division or modulo by zero", "float divmod()"),
    "log": ("float division by zero", "float division by zero"),
}
_SEARCHES = {
    "list.index(x): x not in list": "list",
    "range.index(x): x not in range": "range",
    "deque.index(x): x not in deque": "deque",
    "deque.remove(x): x not in deque": "deque",
}


def _of_division(error, text):
    frame, expression = _raised_in(error)
    match expression:
        case ast.BinOp(left=left, op=operation, right=right) | ast.AugAssign(target=left, op=operation, value=right):
            operation = type(operation)
        case ast.Call(func=ast.Name(id=operation) | ast.Attribute(attr=operation), args=[left, right]):
            pass
        case _:
            return text
    kinds = {type(_value(side, frame)) for side in (left, right)}
    if complex in kinds and operation is ast.Div:
        return "complex division by zero"
    of_int, of_float = _DIVISIONS.get(operation, (text, text))
    return of_float if float in kinds else of_int


def _of_search(error, text):
    frame, expression = _raised_in(error)
    match expression:
        case ast.Call(func=ast.Attribute(attr="index" | "remove"), args=[sought, *_]):
            value = _value(sought, frame)
            return text if value is _UNKNOWN else f"{value!r} is not in {_SEARCHES[text]}"
    return text


_UNKNOWN = object()


def _raised_in(error):
    """The frame and the expression of the program that raised; None, None if it was not the program itself."""
    trace = _last(error.__traceback__)
    if trace is None or trace.tb_frame.f_code.co_filename != _program:
        return None, None
    first, last, start, end = list(trace.tb_frame.f_code.co_positions())[trace.tb_lasti // 2]
    if None in (first, last, start, end):
        return None, None
    lines = _source.splitlines()[first - 1 : last]
    try:
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][start:]
        statement = ast.parse(b"(" + b"\n".join(lines) + b")" if first != last else b"\n".join(lines)).body[0]
    except (IndexError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None, None
    return trace.tb_frame, statement.value if isinstance(statement, ast.Expr) else statement


def _value(expression, frame):
    """The value of a literal or a variable, for which no code of the program's is run."""
    match expression:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Name(id=name):
            variables = frame.f_locals if name in frame.f_locals else frame.f_globals
            value = variables.get(name, _UNKNOWN)
            return value if type(value) in (int, float, complex, str, bool, type(None)) else _UNKNOWN
    return _UNKNOWN
