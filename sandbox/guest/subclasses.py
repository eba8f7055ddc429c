"""Classes of a test that inherit from classes of the program's: they are made in the program's interpreter (see peer.py).

Their methods stay the test's. What else their bodies define travels as any value does.
"""

import builtins
import sys
import types
import unittest

from _assay_remote import Remote, Unsupported
from _assay_values import in_library

# As they are before a test replaces them.
_build_class, _super = builtins.__build_class__, super
# What the compiler puts into the body of each class.
_OF_COMPILER = frozenset("__module__ __qualname__ __firstlineno__ __static_attributes__ __classcell__ __classdictcell__".split())


# ---- the test's side ----


def builder(peer):
    """What a class statement of the test's calls."""

    def build(body, name, /, *bases, **named):
        if not any(isinstance(base, Remote) for base in bases):
            return _build_class(body, name, *bases, **named)
        is_unit_test = any(isinstance(base, type) and issubclass(base, unittest.TestCase) for base in bases)
        if named or is_unit_test or any(not isinstance(base, Remote) and in_library(base) is None for base in bases):
            raise Unsupported("the judge cannot make a class from one of the program's and one of the test's")
        return _build_class(body, name, metaclass=lambda name, _, members: _make(peer, name, bases, members))

    return build


def _make(peer, name, bases, members):
    own = [key for key in members if key not in _OF_COMPILER]
    peer.methods.update(member for member in members.values() if isinstance(member, types.FunctionType))
    made = peer.ask("subclass", None, name, bases, tuple(own), tuple(_taken_apart(members[key]) for key in own))
    if "__classcell__" in members:
        members["__classcell__"].cell_contents = made
    return made


def _taken_apart(member):
    """The kind of a member, and what it is made from."""
    match member:
        case types.FunctionType():
            return "function", member
        case property():
            return "property", member.fget, member.fset, member.fdel
        case staticmethod() | classmethod():
            return type(member).__name__, member.__func__
    return "value", member


def super_of(peer):
    """`super`, with which a method of such a class reaches the program's."""

    def find(*arguments):
        if not arguments:
            frame = sys._getframe(1)
            arguments = frame.f_locals["__class__"], frame.f_locals[frame.f_code.co_varnames[0]]
        if isinstance(arguments[0], Remote):
            return _Super(peer.ask("super", None, *arguments))
        return _super(*arguments)

    return find


class _Super:
    """What `super()` gives: all its attributes are the program's, those that each object has too."""

    __slots__ = ("_remote",)

    def __init__(self, remote):
        self._remote = remote

    def __getattribute__(self, name):
        remote = object.__getattribute__(self, "_remote")
        return remote._assay_peer.ask("getattr", remote, name)


# ---- the program's side ----


def subclass(name, bases, names, members):
    """The class that a test defines."""
    made = {key: _PUT_TOGETHER[kind](*parts) for key, (kind, *parts) in zip(names, members)}
    return types.new_class(name, bases, {}, lambda namespace: namespace.update(made))


_PUT_TOGETHER = {
    "function": lambda function: function,
    "property": property,
    "staticmethod": staticmethod,
    "classmethod": classmethod,
    "value": lambda value: value,
}
SERVICES = {"subclass": subclass, "super": super}
