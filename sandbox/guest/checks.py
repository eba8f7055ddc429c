"""Tests that are Python themselves, such as `assert f(3) == 4`: the benchmark's code in one interpreter, the program in another.

Were both in one, the program could redefine what the test compares with. So the test runs in an interpreter of its own, where each
name that it does not define stands for one of the program's, and asks the host when it uses one. The host asks the program's
interpreter and carries the answer back. Plain values travel by value; whatever else the program makes stays where it is, and
travels as a number that stands for it, with its value if it is a kind of a plain one (a named tuple, an enumeration's number).

The test's interpreter believes nothing that it is told: a program can send it any message. Nothing in a message becomes code or a
function of the test's, and what the test compares with its own values are plain values. Only two things of the program's are compared
or computed with as the program likes.

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
import operator
import os
import sys


def _all(kind, values):
    """The values, which are of this type. What is not was forged."""
    if type(values) is not list or any(type(value) is not kind for value in values):
        raise TypeError("a value that its type does not have")
    return values


def _pairs(values):
    return dict(zip(values[::2], values[1::2]))


def _items(value):
    return [part for item in value.items() for part in item]


# Types that travel by value though JSON lacks them: how they are taken apart and put together.
_CODECS = {
    tuple: ("tuple", list, tuple),
    list: ("list", list, list),
    set: ("set", list, set),
    frozenset: ("frozenset", list, frozenset),
    type({}.keys()): ("set", list, set),
    collections.deque: ("deque", list, collections.deque),
    complex: ("complex", lambda v: [v.real, v.imag], lambda v: complex(*_all(float, v))),
    bytes: ("bytes", list, lambda v: bytes(_all(int, v))),
    bytearray: ("bytearray", list, lambda v: bytearray(_all(int, v))),
    range: ("range", lambda v: [v.start, v.stop, v.step], lambda v: range(*_all(int, v))),
    slice: ("slice", lambda v: [v.start, v.stop, v.step], lambda v: slice(*v)),
    decimal.Decimal: ("decimal", lambda v: [str(v)], lambda v: decimal.Decimal(*_all(str, v))),
    fractions.Fraction: ("fraction", lambda v: [v.numerator, v.denominator], lambda v: fractions.Fraction(*_all(int, v))),
    datetime.date: ("date", lambda v: [v.year, v.month, v.day], lambda v: datetime.date(*_all(int, v))),
    datetime.datetime: ("datetime", lambda v: [v.isoformat()], lambda v: datetime.datetime.fromisoformat(*_all(str, v))),
    datetime.timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds], lambda v: datetime.timedelta(*_all(int, v))),
    dict: ("dict", _items, _pairs),
    # Kinds of dict that are equal to the plain dict with the same items.
    collections.Counter: ("counter", _items, lambda v: collections.Counter(_pairs(v))),
    collections.OrderedDict: ("ordered", _items, lambda v: collections.OrderedDict(_pairs(v))),
    collections.defaultdict: ("dict", _items, _pairs),
}
_DECODERS = {tag: put_together for tag, _, put_together in _CODECS.values()}
_ATOMS = (bool, int, float, str, type(None))
# Types whose kinds have a value, by which they are compared: how to have it, whatever the kind does otherwise.
_BASES = {int: int.__int__, float: float.__float__, str: str.__str__} | {kind: kind for kind in (tuple, list, dict, set, frozenset)}
_EXCEPTIONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
# What a program may give to a test by name. Functions are not among it: the test would run what the program says. Nor is `type`, which
# makes classes whose things are equal to all.
_TYPES = _EXCEPTIONS | {kind.__name__: kind for kind in (*_CODECS, *_ATOMS, object) if getattr(builtins, kind.__name__, None) is kind}


def _encode(value, names, stands_for):
    """A value as JSON has it. `names` are the built-in things that travel by name."""
    if type(value) in _ATOMS:
        return value
    if type(value) in _CODECS:
        tag, take_apart, _ = _CODECS[type(value)]
        return [tag, [_encode(item, names, stands_for) for item in take_apart(value)]]
    # Of anything else the program would have a say in its name.
    if type(value) in (type, type(len)) and names.get(value.__name__) is value:
        return ["built-in", value.__name__]
    return stands_for(value)


def _decode(value, names, thing):
    if not isinstance(value, list):
        return value
    tag, payload = value
    if tag == "object":
        return thing(payload)
    if tag == "built-in":
        return names[payload]
    return _DECODERS[tag]([_decode(item, names, thing) for item in payload])


# ---- the program's side ----


class Served:
    """The program's interpreter: does to the program's things what the test asks for."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.things = []
        # By identity; the list keeps them alive.
        self.numbers = {}

    def _encode(self, value):
        return _encode(value, _TYPES, self._stands_for)

    def _stands_for(self, thing):
        number = self.numbers.setdefault(id(thing), len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        values = [self._encode(value_of(thing)) for base, value_of in _BASES.items() if isinstance(thing, base)]
        return ["object", [number, *values]]

    def answer(self, message):
        """Does what `message` asks for and gives the reply, both JSON texts."""
        digits = sys.get_int_max_str_digits()
        try:
            # Numbers travel whatever their length; the program's own limit holds while it runs.
            sys.set_int_max_str_digits(0)
            operation, target, *rest = json.loads(message)
            arguments = _decode(rest[0], vars(builtins), self.things.__getitem__) if rest else ()
            sys.set_int_max_str_digits(digits)
            reply = [self._do(operation, target, arguments)]
            if operation == "call":
                # A function may change the lists that it is given, and a test may look at them.
                reply.append(arguments)
            sys.set_int_max_str_digits(0)
            return json.dumps(["value", *map(self._encode, reply)])
        except (KeyboardInterrupt, SystemExit, Exception) as error:
            return json.dumps(["raised", *_raised_as(error)])
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
    "hash": hash,
    **{name: getattr(operator, name) for name in "eq lt le gt ge add sub mul truediv floordiv mod".split()},
}


def _raised_as(error):
    """The built-in exception that this one is a kind of, and what to make it from."""
    kind = next((c for c in type(error).__mro__ if _EXCEPTIONS.get(c.__name__) is c), Exception)
    text = _text(error)
    try:
        if all(type(argument) in _ATOMS for argument in error.args) and str(kind(*error.args)) == text:
            return kind.__name__, list(error.args)
    except BaseException:
        pass
    return kind.__name__, [text]


def _text(error):
    try:
        return str(error)
    except BaseException:
        return ""


# ---- the test's side ----


class Unsupported(BaseException):
    """The test needs what cannot be carried: no exception that it may catch."""


def _send(value):
    """What stands for a value of the test that has no JSON."""
    if type(value) is _Remote:
        return ["object", value._assay_number]
    if hasattr(value, "__next__"):
        return _encode(list(value), vars(builtins), _send)
    message = f"the judge cannot give a program a {type(value).__name__} of the test's"
    if type(value) in _TYPES.values():
        # The test took what it got from the program for a class of its own.
        raise TypeError(message)
    raise Unsupported(message)


def _receive(value):
    return _decode(value, _TYPES, _stand_in)


def _stand_in(payload):
    number, *value = payload[:2]
    if value or type(number) is not int:
        return _Remote(number, *map(_receive, value))
    # The same thing each time, for a test that looks at who is who.
    return _known.setdefault(number, _Remote(number))


def _ask(operation, target, *arguments):
    """Asks the host, which answers through this interpreter's standard input."""
    global _asked
    _asked = True
    try:
        rest = [_encode(arguments, vars(builtins), _send)] if arguments else []
    except Unsupported as error:
        if operation == "call" and target in _named:
            raise
        # It is the program that made something of its own of what the test expects, such as a list.
        raise TypeError(str(error)) from None
    # On a line of its own, whatever the test itself has printed.
    question = b"\n" + json.dumps([operation, target, *rest]).encode() + b"\n"
    while question:
        question = question[os.write(1, question) :]
    reply = _incoming.readline()
    if not reply:
        # The program's interpreter is gone: the host knows why and does not look at what this one says.
        raise ConnectionError("the program has ended")
    kind, value, *rest = json.loads(reply)
    if kind == "raised":
        error = _exception(value, *rest)
        if operation != "next" and isinstance(error, (StopIteration, StopAsyncIteration, GeneratorExit)):
            # It would end an iteration of the test's.
            error = RuntimeError(f"{value}: {rest}")
        _raised.append(error)
        raise error
    if rest:
        (positional, named), (new_positional, new_named) = arguments, _receive(rest[0])
        _write_back([*positional, *named.values()], [*new_positional, *new_named.values()])
    received = _receive(value)
    if operation == "name" and type(received) is _Remote:
        _named.append(received._assay_number)
    return received


def _exception(kind, arguments):
    try:
        return _EXCEPTIONS[kind](*arguments)
    except Exception:
        # Some, such as UnicodeDecodeError, are not made from a text.
        return RuntimeError(f"{kind}: {arguments}")


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
    """Something that only the program's interpreter has, with its value if it has one."""

    def __init__(self, number, *value):
        self.__dict__["_assay_number"] = number
        self.__dict__["_assay_value"] = value

    def __eq__(self, other):
        if type(other) is not _Remote:
            return bool(self._assay_value) and self._assay_value[0] == other
        if self._assay_number == other._assay_number:
            return True
        if self._assay_value or other._assay_value:
            # Were the program asked, one value could be equal to another and stand several times in a set.
            return self._assay_value == other._assay_value
        return bool(_ask("eq", self._assay_number, other))

    @property
    def __class__(self):
        return type(*self._assay_value) if self._assay_value else _Remote

    def __hash__(self):
        return hash(*self._assay_value) if self._assay_value else _ask("hash", self._assay_number)

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


def _value_of(thing):
    if not thing._assay_value:
        raise TypeError("a thing of the program's without a value")
    return thing._assay_value[0]


def _together(name, is_comparison):
    """An operation on two things of the program's, or on the value of one. Values are compared here."""
    compute = getattr(operator, name)

    def operation(self, other):
        if type(other) is _Remote:
            if is_comparison and (self._assay_value or other._assay_value):
                return compute(_value_of(self), _value_of(other))
            return _ask(name, self._assay_number, other)
        return compute(self._assay_value[0], other) if self._assay_value else NotImplemented

    return operation


def _define():
    for name in "lt le gt ge".split():
        setattr(_Remote, f"__{name}__", _together(name, True))
    for name in "add sub mul truediv floordiv mod".split():
        compute = getattr(operator, name)
        setattr(_Remote, f"__{name}__", _together(name, False))
        setattr(_Remote, f"__r{name}__", lambda self, other, compute=compute: compute(other, _value_of(self)))
    for name, compute in {"int": int, "float": float, "index": operator.index, "neg": operator.neg, "abs": abs}.items():
        setattr(_Remote, f"__{name}__", lambda self, compute=compute: compute(_value_of(self)))


_define()


class _Names(dict):
    """Built-in names, and behind them the program's."""

    def __missing__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        return _ask("name", name)


_raised = []
# Things without a value by number, and the numbers of those that the test has by their names.
_known = {}
_named = []
_incoming = None
_asked = False


def _own_built_ins(code):
    """The functions of the program that a test means by names of Python's own, such as `assert sum(3, 4) == 7`.

    Only a test that uses no other name can mean one. In any other test such names are Python's, so that no program can redefine what
    it is compared with.
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
    free = {name for name in loaded if name not in known}
    # Of two the test is about one and compares with the other, and nobody knows which.
    if len(free) != 1 or not hasattr(builtins, *free):
        return {}
    (name,) = free
    try:
        found = _ask("name", name)
    except NameError:
        return {}
    return {} if found is getattr(builtins, name) else {name: found}


def _libraries(code):
    """The modules of the standard library that a test uses: its own ones, whatever the program calls by their names."""
    used = {node.value.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    return {name: sys.modules[name] for name in used & sys.stdlib_module_names & sys.modules.keys()}


def _compile_setup(setup, entry):
    try:
        return compile(setup, "<setup>", "exec", dont_inherit=True)
    except SyntaxError:
        if entry is None:
            raise
    # A prompt may end where the body of its function starts.
    return compile(setup + "\n    pass", "<setup>", "exec", dont_inherit=True)


def _first_name(expression):
    return expression.partition(".")[0].partition("(")[0]


def run_test(setup, code, entry):
    """Runs the benchmark's test `code` after its `setup`, then `check(entry)` if there is an entry, a name or an expression.

    Gives a letter and a text: "+" passed, "W" an assertion of the test failed, "E" the program raised, "J" the test itself is broken.
    """
    global _incoming
    sys.set_int_max_str_digits(0)
    # A read gives what the host has to say at the moment, so nothing is asked for before it is needed.
    _incoming = io.BufferedReader(io.FileIO(0, closefd=False))
    sys.setrecursionlimit(50000)
    names = {"__name__": "test", "__builtins__": _Names(vars(builtins))}
    try:
        before = _compile_setup(setup, entry)
        test = compile(code, "<test>", "exec", dont_inherit=True)
        names |= _libraries(code)
    except SyntaxError as error:
        return "J", f"{type(error).__name__}: {error}"
    try:
        exec(before, names)
        if entry is None:
            names.update(_own_built_ins(code))
        else:
            # The setup holds a stub of what the program defines.
            names.pop(_first_name(entry), None)
        exec(test, names)
        if entry is not None:
            names["check"](eval(entry, names))
    except Unsupported as error:
        return "J", str(error)
    except BaseException as error:
        text = type(error).__name__ + (": " + _text(error) if _text(error) else "")
        if any(error is raised for raised in _raised):
            return "E", text
        if not _asked or isinstance(error, ImportError):
            # The program had no part in it.
            return "J", text
        if isinstance(error, AssertionError):
            return "W", text
        return "E", text
    return ("+", "") if _asked else ("J", "the test asks nothing about the program")
