"""Plain values as messages have them: how they are taken apart and put together, and which of them change."""

import abc
import builtins
import collections
import datetime
import decimal
import enum
import fractions
import operator
import pathlib
import re
import sys
import types
import uuid

# As they are before a test replaces them.
_deque, _compile = collections.deque, re.compile
_Decimal, _Fraction, _UUID = decimal.Decimal, fractions.Fraction, uuid.UUID
_date, _timedelta, _timezone = datetime.date, datetime.timedelta, datetime.timezone
_PurePosixPath, _PosixPath = pathlib.PurePosixPath, pathlib.PosixPath

ATOMS = (bool, int, float, str, type(None))


def _all(kind, values):
    """The values, which are of this type. What is not was forged."""
    if type(values) is not list or any(type(value) is not kind for value in values):
        raise TypeError("a value that its type does not have")
    return values


def _when(value):
    return [value.isoformat(), getattr(value, "fold", 0)]


def _moment(kind):
    return lambda v: kind.fromisoformat(*_all(str, v[:1])).replace(fold=int(v[1]))


# Types that travel by value though JSON lacks them: how they are taken apart and put together.
CODECS = {
    tuple: ("tuple", list, tuple),
    frozenset: ("frozenset", list, frozenset),
    complex: ("complex", lambda v: [v.real, v.imag], lambda v: complex(*_all(float, v))),
    bytes: ("bytes", list, lambda v: bytes(_all(int, v))),
    range: ("range", lambda v: [v.start, v.stop, v.step], lambda v: range(*_all(int, v))),
    slice: ("slice", lambda v: [v.start, v.stop, v.step], lambda v: slice(*v)),
    decimal.Decimal: ("decimal", lambda v: [str(v)], lambda v: _Decimal(*_all(str, v))),
    fractions.Fraction: ("fraction", lambda v: [v.numerator, v.denominator], lambda v: _Fraction(*_all(int, v))),
    datetime.date: ("date", lambda v: [v.isoformat()], lambda v: _date.fromisoformat(*_all(str, v))),
    datetime.time: ("time", _when, _moment(datetime.time)),
    datetime.datetime: ("datetime", _when, _moment(datetime.datetime)),
    datetime.timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds], lambda v: _timedelta(*_all(int, v))),
    datetime.timezone: ("timezone", lambda v: [v.utcoffset(None), v.tzname(None)], lambda v: _timezone(*v)),
    pathlib.PurePosixPath: ("pure-path", lambda v: [str(v)], lambda v: _PurePosixPath(*_all(str, v))),
    pathlib.PosixPath: ("path", lambda v: [str(v)], lambda v: _PosixPath(*_all(str, v))),
    uuid.UUID: ("uuid", lambda v: [str(v)], lambda v: _UUID(*_all(str, v))),
    re.Pattern: ("pattern", lambda v: [v.pattern, v.flags], lambda v: _compile(v[0], *_all(int, v[1:]))),
    type({}.keys()): ("keys", list, lambda v: dict.fromkeys(v).keys()),
    type({}.values()): ("values", list, lambda v: dict(enumerate(v)).values()),
    type({}.items()): ("items", list, lambda v: dict(v).items()),
    type(...): ("ellipsis", lambda v: [], lambda v: ...),
    type(NotImplemented): ("not-implemented", lambda v: [], lambda v: NotImplemented),
}
DECODERS = {tag: put_together for tag, _, put_together in CODECS.values()}


def flat(mapping):
    return [part for item in mapping.items() for part in item]


def _fill_mapping(mapping, parts):
    mapping.clear()
    for key, value in zip(parts[::2], parts[1::2]):
        mapping[key] = value


def _fill_sequence(sequence, parts):
    sequence[:] = parts


def _fill_collection(collection, parts):
    collection.clear()
    (collection.update if type(collection) is set else collection.extend)(parts)


# Types that change: the tag, how the contents are taken out and put in, what else is needed to make one, and how it is made.
MUTABLES = {
    list: ("list", list, _fill_sequence, lambda v: [], list),
    bytearray: ("bytearray", list, lambda v, parts: _fill_sequence(v, bytes(parts)), lambda v: [], bytearray),
    set: ("set", list, _fill_collection, lambda v: [], set),
    collections.deque: ("deque", list, _fill_collection, lambda v: [v.maxlen], lambda maxlen: _deque([], maxlen)),
    dict: ("dict", flat, _fill_mapping, lambda v: [], dict),
    collections.Counter: ("counter", flat, _fill_mapping, lambda v: [], collections.Counter),
    collections.OrderedDict: ("ordered", flat, _fill_mapping, lambda v: [], collections.OrderedDict),
    collections.defaultdict: ("defaultdict", flat, _fill_mapping, lambda v: [v.default_factory], collections.defaultdict),
}
MAKERS = {tag: (make, fill) for tag, _, fill, _, make in MUTABLES.values()}
# Types whose kinds have a value, by which they are compared: how to have it, whatever the kind does otherwise.
BASES = {int: int.__int__, float: float.__float__, str: str.__str__} | {kind: kind for kind in (tuple, frozenset, list, dict, set)}
# Iterators of built-in containers.
ITERATORS = (type(iter([])), type(iter(())), type(iter("")), type(iter({})), type(iter({}.values())), type(iter({}.items())), type(iter(set())))
# Kinds of things that are told apart by their class: what `isinstance` is to say of what stands for one.
NATURES = {
    "type": type,
    "function": types.FunctionType,
    "method": types.MethodType,
    "generator": types.GeneratorType,
    "coroutine": types.CoroutineType,
}
EXCEPTIONS = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
# What a program may give to a test by name. Functions are not among it: the test would run what the program says. Nor is `type`, which
# makes classes whose things are equal to all.
TYPES = EXCEPTIONS | {kind.__name__: kind for kind in (*CODECS, *MUTABLES, *ATOMS, object)}


BUILT_IN = type(len)
# Types of what a library has.
_OF_LIBRARY = (BUILT_IN, type(str.upper), type(int.__add__), types.FunctionType, type, abc.ABCMeta, enum.EnumType)


def in_library(value):
    """The module and the name by which a function or a class of Python's library is found, or None."""
    if type(value) not in _OF_LIBRARY:
        return None
    owner = getattr(value, "__objclass__", None)
    module, name = (owner.__module__, f"{owner.__name__}.{value.__name__}") if owner else (value.__module__, value.__qualname__)
    if module is None:
        # A method of one object.
        return None
    if module.partition(".")[0] not in sys.stdlib_module_names or module not in sys.modules or "<" in name:
        return None
    try:
        return (module, name) if operator.attrgetter(name)(sys.modules[module]) is value else None
    except AttributeError:
        return None


def of_kind(kind, name):
    """A special method of things of this kind, not of the kind itself."""
    return next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)


def contents_of(thing):
    """What `is_unchanged` compares with."""
    if isinstance(thing, dict):
        return [*thing, *thing.values()]
    return bytes(thing) if type(thing) is bytearray else list(thing)


def is_unchanged(thing, contents):
    if type(thing) is bytearray:
        return thing == contents
    parts = [*thing, *thing.values()] if isinstance(thing, dict) else thing
    return len(parts) == len(contents) and all(map(operator.is_, parts, contents))
