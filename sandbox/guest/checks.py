"""Tests that are Python themselves, such as `assert f(3) == 4`: the benchmark's code in one interpreter, the program in another.

Were both in one, the program could redefine what the test compares with. So the test runs in an interpreter of its own, where each
name that it does not define stands for one of the program's, and asks the host when it uses one. The host asks the program's
interpreter and carries the answer back. Plain values travel by value; whatever else the program makes stays where it is, and
travels as a number that stands for it. Such a thing is equal to nothing but itself.

Messages are JSON. A value is itself if JSON has it, else a list of a tag and what the tag needs.
"""

import ast
import builtins
import collections
import datetime
import decimal
import fractions
import io
import json
import os
import sys

# Types that travel by value though JSON lacks them: how they are taken apart and put together.
_CODECS = {
    tuple: ("tuple", list, tuple),
    list: ("list", list, list),
    set: ("set", list, set),
    frozenset: ("frozenset", list, frozenset),
    collections.deque: ("deque", list, collections.deque),
    complex: ("complex", lambda v: [v.real, v.imag], lambda v: complex(*v)),
    bytes: ("bytes", list, bytes),
    bytearray: ("bytearray", list, bytearray),
    range: ("range", lambda v: [v.start, v.stop, v.step], lambda v: range(*v)),
    decimal.Decimal: ("decimal", lambda v: [str(v)], lambda v: decimal.Decimal(*v)),
    fractions.Fraction: ("fraction", lambda v: [v.numerator, v.denominator], lambda v: fractions.Fraction(*v)),
    datetime.date: ("date", lambda v: [v.year, v.month, v.day], lambda v: datetime.date(*v)),
    datetime.datetime: ("datetime", lambda v: [v.isoformat()], lambda v: datetime.datetime.fromisoformat(*v)),
    datetime.timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds], lambda v: datetime.timedelta(*v)),
    dict: ("dict", lambda v: [x for item in v.items() for x in item], lambda v: dict(zip(v[::2], v[1::2]))),
}
# Kinds of dict that are equal to the plain dict with the same items.
_CODECS[collections.Counter] = ("counter", _CODECS[dict][1], lambda v: collections.Counter(_CODECS[dict][2](v)))
_CODECS[collections.OrderedDict] = ("ordered", _CODECS[dict][1], lambda v: collections.OrderedDict(_CODECS[dict][2](v)))
_CODECS[collections.defaultdict] = _CODECS[dict]
_DECODERS = {tag: put_together for tag, _, put_together in _CODECS.values()}
_ATOMS = (bool, int, float, str, type(None))


def _encode(value, stands_for):
    if type(value) in _ATOMS:
        return value
    if type(value) in _CODECS:
        tag, take_apart, _ = _CODECS[type(value)]
        return [tag, [_encode(item, stands_for) for item in take_apart(value)]]
    name = getattr(value, "__name__", None)
    if type(name) is str and getattr(builtins, name, None) is value:
        return ["built-in", name]
    return ["object", stands_for(value)]


def _decode(value, thing):
    if not isinstance(value, list):
        return value
    tag, payload = value
    if tag == "object":
        return thing(payload)
    if tag == "built-in":
        return getattr(builtins, payload)
    return _DECODERS[tag]([_decode(item, thing) for item in payload])


# ---- the program's side ----


class Served:
    """The program's interpreter: does to the program's things what the test asks for."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.things = []

    def _stands_for(self, thing):
        for index, known in enumerate(self.things):
            if known is thing:
                return index
        self.things.append(thing)
        return len(self.things) - 1

    def answer(self, message):
        """Does what `message` asks for and gives the reply, both JSON texts."""
        digits = sys.get_int_max_str_digits()
        try:
            # Numbers travel whatever their length; the program's own limit holds while it runs.
            sys.set_int_max_str_digits(0)
            operation, target, *rest = json.loads(message)
            arguments = _decode(rest[0], self.things.__getitem__) if rest else ()
            sys.set_int_max_str_digits(digits)
            reply = ["value", self._do(operation, target, arguments)]
            if operation == "call":
                # A function may change the lists that it is given, and a test may look at them.
                reply.append(arguments[0])
            sys.set_int_max_str_digits(0)
            return json.dumps([reply[0], *(_encode(value, self._stands_for) for value in reply[1:])])
        except (KeyboardInterrupt, SystemExit, Exception) as error:
            kind = next((c.__name__ for c in type(error).__mro__ if getattr(builtins, c.__name__, None) is c), "Exception")
            return json.dumps(["raised", kind, _text(error)])
        finally:
            sys.set_int_max_str_digits(digits)

    def _do(self, operation, target, arguments):
        if operation == "name":
            if target not in self.namespace:
                raise NameError(f"name {target!r} is not defined")
            return self.namespace[target]
        thing = self.things[target]
        if operation == "call":
            return thing(*arguments[0], **arguments[1])
        return _OPERATIONS[operation](thing, *arguments)


_OPERATIONS = {
    "getattr": getattr,
    "setattr": setattr,
    "getitem": lambda thing, key: thing[key],
    "setitem": lambda thing, key, value: thing.__setitem__(key, value),
    "contains": lambda thing, key: key in thing,
    "len": len,
    "iter": iter,
    "next": next,
    "bool": bool,
    "str": str,
    "repr": repr,
    "isinstance": lambda thing, other: isinstance(other, thing),
}


def _text(error):
    try:
        return str(error)
    except BaseException:
        return ""


# ---- the test's side ----


def _ask(operation, target, *arguments):
    """Asks the host, which answers through this interpreter's standard input."""
    global _asked
    _asked = True
    rest = [_encode(arguments, lambda thing: thing._assay_number)] if arguments else []
    # On a line of its own, whatever the test itself has printed.
    os.write(1, b"\n" + json.dumps([operation, target, *rest]).encode() + b"\n")
    reply = _incoming.readline()
    if not reply:
        # The program's interpreter is gone: the host knows why and does not look at what this one says.
        raise ConnectionError("the program has ended")
    kind, value, *rest = json.loads(reply)
    if kind == "raised":
        error = _exception(value, *rest)
        _raised.append(error)
        raise error
    if rest:
        _write_back(arguments[0], _decode(rest[0], _Remote))
    return _decode(value, _Remote)


# The names that a program's exception may have in a test. Whatever else is called so is not to be called.
_EXCEPTIONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}


def _exception(kind, text):
    try:
        return _EXCEPTIONS[kind](text)
    except Exception:
        # Some, such as UnicodeDecodeError, are not made from a text.
        return RuntimeError(f"{kind}: {text}")


def _write_back(before, after):
    for old, new in zip(before, after):
        if type(old) is list and type(new) is list and old != new:
            old[:] = new
        elif type(old) is dict and type(new) is dict and old != new:
            old.clear()
            old.update(new)
        elif type(old) is set and type(new) is set and old != new:
            old.clear()
            old.update(new)


class _Remote:
    """Something that only the program's interpreter has."""

    __hash__ = object.__hash__

    def __init__(self, number):
        self.__dict__["_assay_number"] = number

    def __eq__(self, other):
        return isinstance(other, _Remote) and self._assay_number == other._assay_number

    def __call__(self, *arguments, **named):
        return _ask("call", self._assay_number, arguments, named)

    def __getattr__(self, name):
        if name.startswith("_assay"):
            raise AttributeError(name)
        return _ask("getattr", self._assay_number, name)

    def __setattr__(self, name, value):
        _ask("setattr", self._assay_number, name, value)

    def __getitem__(self, key):
        return _ask("getitem", self._assay_number, key)

    def __setitem__(self, key, value):
        _ask("setitem", self._assay_number, key, value)

    def __contains__(self, key):
        return _ask("contains", self._assay_number, key)

    def __len__(self):
        return _ask("len", self._assay_number)

    def __iter__(self):
        iterator = _ask("iter", self._assay_number)
        return iterator if isinstance(iterator, _Remote) else iter(iterator)

    def __next__(self):
        return _ask("next", self._assay_number)

    def __bool__(self):
        return _ask("bool", self._assay_number)

    def __str__(self):
        return _ask("str", self._assay_number)

    def __repr__(self):
        return _ask("repr", self._assay_number)

    def __instancecheck__(self, other):
        return _ask("isinstance", self._assay_number, other)


class _Names(dict):
    """Built-in names, and behind them the program's."""

    def __missing__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        return _ask("name", name)


_raised = []
_incoming = None
_asked = False


def _own_built_ins(code):
    """The functions of the program that a test means by names of Python's own, such as `assert sum(3, 4) == 7`.

    Only a test that uses no other name of the program can mean one. In any other test such names are Python's, so that no program
    can redefine what it is compared with.
    """
    loaded, known = [], set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Name(ctx=ast.Load()):
                loaded.append(node.id)
            case ast.Name():
                known.add(node.id)
            case ast.arg():
                known.add(node.arg)
            case ast.FunctionDef() | ast.ClassDef():
                known.add(node.name)
            case ast.Import() | ast.ImportFrom():
                known.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    free = [name for name in loaded if name not in known]
    if not all(hasattr(builtins, name) for name in free):
        return {}
    own = {}
    for name in free:
        try:
            found = _ask("name", name)
        except NameError:
            continue
        if found is not getattr(builtins, name):
            own[name] = found
    # Of two the test is about one and compares with the other, and nobody knows which.
    return own if len(own) == 1 else {}


def _libraries(code):
    """The modules of the standard library that a test uses: its own ones, whatever the program calls by their names."""
    used = {node.value.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    return {name: sys.modules[name] for name in used & sys.stdlib_module_names & sys.modules.keys()}


def run_test(setup, code, entry):
    """Runs the benchmark's test `code` after its `setup`, then `check(entry)` if there is an entry.

    Gives a letter and a text: "+" passed, "W" an assertion of the test failed, "E" the program raised, "J" the test itself is broken.
    """
    global _incoming
    sys.set_int_max_str_digits(0)
    # A read gives what the host has to say at the moment, so nothing is asked for before it is needed.
    _incoming = io.BufferedReader(io.FileIO(0, closefd=False))
    sys.setrecursionlimit(50000)
    names = {"__name__": "test", "__builtins__": _Names(vars(builtins))}
    try:
        before = compile(setup, "<setup>", "exec", dont_inherit=True)
        test = compile(code, "<test>", "exec", dont_inherit=True)
        names |= _libraries(code)
    except SyntaxError as error:
        return "J", f"{type(error).__name__}: {error}"
    try:
        exec(before, names)
        if entry is None:
            names.update(_own_built_ins(code))
        else:
            # The setup holds a stub of the function that the program defines.
            names.pop(entry, None)
        exec(test, names)
        if entry is not None:
            names["check"](_ask("name", entry))
    except BaseException as error:
        text = type(error).__name__ + (": " + _text(error) if _text(error) else "")
        if any(error is raised for raised in _raised):
            return "E", text
        if not _asked:
            # The program had no part in it.
            return "J", text
        if isinstance(error, AssertionError):
            return "W", text
        return "E", text
    return "+", ""
