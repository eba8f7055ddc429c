"""What stands in the place of Python's own in a test's interpreter, for what is done to things of the program's (see checks.py)."""

import abc
import builtins
import dataclasses
import io
import logging
import random
import re
import sys
import types
import typing
import unittest
import unittest.mock
import warnings

from _assay_coroutines import Driver
from _assay_line import open_line
from _assay_peer import Peer
from _assay_remote import Remote, Unsupported, has_members, is_protocol
from _assay_served import LOOKING
from _assay_subclasses import builder, super_of
from _assay_values import TYPES, in_library

# As they are before a test replaces them.
_isinstance, _issubclass = isinstance, issubclass
# What a test says that looks at what the program warns of or logs.
_LISTENING = re.compile(r"\b(?:warnings|logging|assertWarns\w*|assertLogs|assertNoLogs)\b")


class _Nowhere(io.TextIOBase):
    """Where a test's own output goes."""

    def write(self, text):
        return len(text)


class _Type(type):
    """What stands in the place of `type`, so that `type(x)` is the program's class of the program's `x`."""

    def __call__(cls, /, *arguments, **named):
        if len(arguments) == 1 and _is_of_program(arguments[0]):
            return arguments[0]._assay_peer.ask("type", arguments[0])
        return type(*arguments, **named)

    def __instancecheck__(cls, thing):
        return _isinstance(thing, type)

    def __subclasscheck__(cls, kind):
        return _issubclass(kind, type)

    def __eq__(cls, other):
        return other is type or other is cls

    def __hash__(cls):
        return hash(type)


class _TypeStandIn(type, metaclass=_Type):
    pass


def _is_of_program(thing):
    return _issubclass(type(thing), Remote)


def _has_class(thing, kind):
    """`isinstance`, which asks the program about what is the program's.

    Only the test itself has an answer: the library would go on to compute with the thing, as if its numbers and sets were numbers and
    sets. Of the test's own classes nothing of the program's is, but of its protocols.
    """
    if not _is_of_program(thing) or thing._assay_value:
        # A mock has the class that it was made for.
        return _isinstance(thing, kind) or (_isinstance(thing, unittest.mock.NonCallableMock) and any(thing.__class__ is one for one in _alternatives(kind)))
    return any(_asked(thing, one, "isinstance") for one in _alternatives(kind))


def _has_base(thing, kind):
    """`issubclass`, which asks the program about what is the program's."""
    if not _is_of_program(thing):
        return _issubclass(thing, kind)
    return any(_asked(thing, one, "issubclass") for one in _alternatives(kind))


def _alternatives(kind):
    """The classes of a tuple, or of a union."""
    if _isinstance(kind, tuple):
        return [one for part in kind for one in _alternatives(part)]
    return typing.get_args(kind) if _isinstance(kind, types.UnionType) else [kind]


def _asked(thing, kind, operation):
    if is_protocol(kind):
        return has_members(thing, kind)
    if in_library(kind) is None or thing._assay_peer.is_told(thing):
        return _isinstance(thing, kind) if operation == "isinstance" else _issubclass(thing, kind)
    return bool(thing._assay_peer.ask(operation, kind, thing))


def _no_instance(check):
    """The check of an abstract class, of which nothing of the program's is where it is not the test that asks."""
    return lambda kind, thing: not (_is_of_program(thing) and not thing._assay_value) and check(kind, thing)


def _sets_are_equal(compare):
    """Sets are compared by asking the first one what the second lacks, which is for values alone."""

    def assert_equal(case, first, second, msg=None):
        if any(_is_of_program(side) and not side._assay_value for side in (first, second)):
            case.fail(msg or "what is compared is no set")
        compare(case, first, second, msg)

    return assert_equal


def _by_program(name, function):
    """Has the program's library look into what is the program's."""

    def stand_in(thing, /, *arguments, **named):
        if _is_of_program(thing):
            return thing._assay_peer.ask(name, None, thing, *arguments, **named)
        return function(thing, *arguments, **named)

    return stand_in


def _print(output, errors):
    sys.stdout.write(output)
    sys.stderr.write(errors)


def _log(name, level, text, arguments, file, line, function, own):
    record = logging.LogRecord(name, level, file, line, text, (), None, function)
    record.args = arguments
    vars(record).update(own)
    logging.getLogger(name).handle(record)


def connect(code):
    """The line from the test `code` to the program, with all that goes along with it."""
    peer = Peer(True, TYPES, open_line())
    peer.print = _print
    peer.fatal = Unsupported
    sys.stdin, sys.stdout = io.StringIO(), _Nowhere()
    peer.services = {
        "input": lambda prompt: builtins.input(prompt),
        "readline": lambda size: sys.stdin.readline(size),
        "read": lambda size: sys.stdin.read(size),
        "warn": lambda text, category, file, line: warnings.warn_explicit(text, category, file, line),
        "is_logged": lambda name, level: logging.getLogger(name).isEnabledFor(level),
        "log": _log,
        **Driver().services,
    }
    abc.ABCMeta.__instancecheck__ = _no_instance(abc.ABCMeta.__instancecheck__)
    unittest.case.isinstance, unittest.case.issubclass = _has_class, _has_base
    unittest.TestCase.assertSetEqual = _sets_are_equal(unittest.TestCase.assertSetEqual)
    for name, function in LOOKING.items():
        setattr(dataclasses, name, _by_program(name, function))
    if _LISTENING.search(code):
        peer.ask("listen", None)
    seed = random.seed

    def seed_both(*arguments, **named):
        peer.ask("seed", None, *arguments, **named)
        seed(*arguments, **named)

    random.seed = seed_both
    limit = sys.setrecursionlimit

    def limit_both(depth, /):
        peer.ask("recursion", None, depth)
        limit(depth)

    sys.setrecursionlimit = limit_both
    return peer


class Names(dict):
    """Built-in names, and behind them the program's."""

    def __init__(self, peer):
        stand_ins = {"type": _TypeStandIn, "isinstance": _has_class, "issubclass": _has_base, "super": super_of(peer)}
        super().__init__(vars(builtins), __build_class__=builder(peer), **stand_ins)
        self.peer = peer
        self._has_looked = False

    @property
    def has_asked(self):
        """Whether the test has asked for anything of the program's, by a name or of a thing."""
        return self._has_looked or self.peer.has_asked

    def __missing__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        return self.ask(name)

    def ask(self, name):
        self._has_looked = True
        return self.peer.ask("name", None, name)
