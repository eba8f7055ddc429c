"""What stands on one side for a thing of the other (see peer.py)."""

import builtins
import copy
import math
import operator
import types
import typing

from _assay_coroutines import driven
from _assay_values import BASES, MUTABLES, NATURES, of_kind


class Unsupported(BaseException):
    """The test needs what cannot be had between two interpreters: no exception that it may catch."""


def _bound(thing, name):
    """A special method as a statement finds it: of the thing's type, and bound to the thing if it binds."""
    method = of_kind(type(thing), name)
    bind = getattr(type(method), "__get__", None)
    return method if bind is None else bind(method, thing, type(thing))


def _is_of(thing, kind):
    """`isinstance`; what stands for a thing of the other side is of a protocol if it has what that names."""
    if issubclass(type(thing), Remote) and is_protocol(kind):
        return has_members(thing, kind)
    return isinstance(thing, kind)


def is_protocol(kind):
    """Whether it is a protocol of this side's."""
    return issubclass(type(kind), type) and getattr(kind, "_is_protocol", False) is True


def has_members(thing, protocol):
    return all(hasattr(thing, name) for name in typing.get_protocol_members(protocol))


_UNARY = "neg pos invert abs index".split()
_BINARY = "add sub mul truediv floordiv mod pow matmul lshift rshift and_ or_ xor".split()
_COMPARISONS = "lt le gt ge".split()
OPERATIONS = {
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "call": lambda thing, /, *arguments, **named: thing(*arguments, **named),
    "isinstance": lambda thing, other: _is_of(other, thing),
    "issubclass": lambda thing, other: issubclass(other, thing),
    "enter": lambda thing: _bound(thing, "__enter__")(),
    "exit": lambda thing, kind, error, _: _bound(thing, "__exit__")(kind, error, None),
    "send": lambda generator, value: generator.send(value),
    "throw": lambda generator, *error: generator.throw(*error),
    "aiter": aiter,
    "anext": anext,
    "aenter": lambda thing: _bound(thing, "__aenter__")(),
    "aexit": lambda thing, kind, error, _: _bound(thing, "__aexit__")(kind, error, None),
    "type": type,
    "value": lambda thing: next(value_of(thing) for base, value_of in BASES.items() if isinstance(thing, base)),
    "divmod": divmod,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{name: getattr(operator, name) for name in [*_UNARY, *_BINARY, *_COMPARISONS, "eq", "ne", "getitem", "setitem", "delitem", "contains"]},
    **{"i" + name: getattr(operator, "i" + name.rstrip("_")) for name in _BINARY},
    **{name: getattr(builtins, name) for name in "len iter next reversed bool str repr hash int float complex round format bytes dir".split()},
    **{name: getattr(math, name) for name in "trunc floor ceil".split()},
    "pow": pow,
}
# Those between two things, of which either may be the one that stays where it is.
WITH_ANOTHER = frozenset([*_BINARY, *("i" + name for name in _BINARY), *_COMPARISONS, "eq", "ne", "divmod"])
# Special methods that a Remote has if what it stands for has them, and what they ask for.
SPECIAL = {
    f"__{name}__": name
    for name in "call len iter next reversed bool getitem setitem delitem contains enter exit hash int float complex bytes round trunc floor ceil "
    "neg pos invert abs index await aiter anext aenter aexit".split()
}


# Of kinds of these the test believes neither attributes nor methods that plain values have.
_PLAIN = (int, float, str)


class Remote:
    """Something that only the other side has, with its value if it is a kind of a plain type.

    A thing of the program's is compared and computed with as the program likes only where the test asks for that: with another thing of
    the program's, or if the test has made it itself, by calling a class. What a function gives is a plain value to the test, or is equal
    to none: a thing that comes back from anything but a class, or that has a name of a function too, is trusted no more. Names of
    classes begin with a capital. A thing of the test's is to the program whatever the test makes of it.
    """

    __slots__ = ("_assay_peer", "_assay_number", "_assay_value", "_assay_trust", "_assay_nature", "_assay_driver", "_assay_hash")

    def _assay_set(self, **attributes):
        for name, value in attributes.items():
            object.__setattr__(self, "_assay_" + name, value)

    def __eq__(self, other):
        if isinstance(other, Remote):
            if self._assay_number == other._assay_number:
                return True
            is_own = self._assay_trust == "own" and other._assay_trust == "own"
            if not is_own and (self._assay_value or other._assay_value):
                # Were the program asked, one value could be equal to another and stand several times in a set.
                return bool(self._assay_value) and bool(other._assay_value) and _value_of(self) == _value_of(other)
            if not is_own:
                return bool(self._assay_peer.ask("eq", self, other))
        elif self._assay_trust != "own":
            return _value_of(self) == other if self._assay_value else NotImplemented
        return self._assay_peer.ask("eq", self, other)

    def __ne__(self, other):
        if self._assay_trust == "own" and not isinstance(other, Remote):
            return self._assay_peer.ask("ne", self, other)
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = None

    @property
    def __class__(self):
        if self._assay_value:
            return type(_value_of(self))
        return NATURES.get(self._assay_nature) or self._assay_peer.ask("type", self)

    @property
    def __doc__(self):
        return self._assay_peer.ask("getattr", self, "__doc__")

    @property
    def __init__(self):
        return self._assay_peer.ask("getattr", self, "__init__")

    def __getattr__(self, name):
        if name.startswith("_assay"):
            raise AttributeError(name)
        if self._assay_trust != "own" and any(type(value) in _PLAIN and hasattr(value, name) for value in self._assay_value):
            return getattr(_value_of(self), name)
        return self._assay_peer.ask("getattr", self, name)

    def __setattr__(self, name, value):
        self._assay_peer.ask("setattr", self, name, value)

    def __delattr__(self, name):
        self._assay_peer.ask("delattr", self, name)

    def __str__(self):
        return self._assay_peer.ask("str", self)

    def __repr__(self):
        return self._assay_peer.ask("repr", self)

    def __format__(self, form):
        return self._assay_peer.ask("format", self, form)

    def __dir__(self):
        return self._assay_peer.ask("dir", self)

    def __copy__(self):
        return self._assay_peer.ask("copy", self)

    def __deepcopy__(self, memo):
        return self._assay_peer.ask("deepcopy", self)

    def __instancecheck__(self, other):
        return bool(self._assay_peer.ask("isinstance", self, other))

    def __subclasscheck__(self, other):
        return bool(self._assay_peer.ask("issubclass", self, other))

    def __mro_entries__(self, bases):
        raise Unsupported("the judge cannot make a class of the test's from one of the program's")


def _value_of(remote):
    """The value of a kind of a plain type, as it is now."""
    if not remote._assay_value:
        raise TypeError("a thing of the program's without a value")
    value = remote._assay_value[0]
    return remote._assay_peer.ask("value", remote) if type(value) in MUTABLES else value


def _plain(thing):
    return _value_of(thing) if isinstance(thing, Remote) else thing


def _with_another(name, reflected=False):
    """A comparison or a computation with something else. Values that the test has not made are compared on this side."""
    compute = OPERATIONS[name]

    def operation(self, other, *modulus):
        if modulus:
            return self._assay_peer.ask(name, self, other, *modulus)
        left, right = (other, self) if reflected else (self, other)
        is_remote = isinstance(other, Remote)
        if self._assay_trust == "own" and (not is_remote or other._assay_trust == "own"):
            return self._assay_peer.ask(name, left, right)
        if self._assay_value and (not is_remote or other._assay_value or name in _COMPARISONS):
            return compute(_plain(left), _plain(right))
        if is_remote and other._assay_value and name in _COMPARISONS:
            return compute(_plain(left), _plain(right))
        is_told = self._assay_peer.is_told(self) or (is_remote and self._assay_peer.is_told(other))
        if is_remote and not is_told:
            return self._assay_peer.ask(name, left, right)
        if name in _COMPARISONS:
            return NotImplemented
        # What comes back knows a value of the test's: it is compared with things of the program's alone.
        return self._assay_peer.ask_told(name, left, right)

    return operation


def _alone(name):
    """A computation with nothing else, from the value if there is one that the test has not made."""
    compute = OPERATIONS[name]
    by_value = name in ("neg", "pos", "invert", "abs", "index", "int", "float", "complex", "round", "trunc", "floor", "ceil", "hash", "len", "bool", "contains")

    def operation(self, /, *arguments, **named):
        if by_value and self._assay_value and self._assay_trust != "own":
            return compute(_value_of(self), *arguments)
        return self._assay_peer.ask(name, self, *arguments, **named)

    return operation


def _hash_of(remote):
    """The last one when the trust has gone: it may be a key of the test's."""
    if remote._assay_hash is None or remote._assay_trust == "own":
        remote._assay_set(hash=_hash(remote))
    return remote._assay_hash


_hash = _alone("hash")
# Operations whose results are as trusted as what they are done to.
GIVE_OWN = frozenset([*_UNARY, *_BINARY, *("i" + name for name in _BINARY), "divmod"])
for _name in _COMPARISONS:
    setattr(Remote, f"__{_name}__", _with_another(_name))
for _name in _BINARY:
    _special = _name.rstrip("_")
    setattr(Remote, f"__{_special}__", _with_another(_name))
    setattr(Remote, f"__r{_special}__", _with_another(_name, reflected=True))
    setattr(Remote, f"__i{_special}__", _with_another("i" + _name))
Remote.__divmod__ = _with_another("divmod")
Remote.__rdivmod__ = _with_another("divmod", reflected=True)
_SPECIAL_METHODS = {special: _alone(name) for special, name in SPECIAL.items() if name in OPERATIONS}
_SPECIAL_METHODS["__hash__"] = _hash_of
_SPECIAL_METHODS["__await__"] = lambda remote: driven(remote).__await__()


def _driver(remote):
    """What a loop of this side runs in the place of a coroutine of the other's."""
    if remote._assay_driver is None:
        remote._assay_set(driver=driven(remote))
    return remote._assay_driver


_BY_NATURE = {
    "coroutine": {
        "send": lambda remote, value: _driver(remote).send(value),
        "throw": lambda remote, *error: _driver(remote).throw(*error),
        "close": lambda remote: _driver(remote).close(),
    },
    "generator": {"send": _alone("send"), "throw": _alone("throw")},
    # As a function does that a class has among its attributes.
    "function": {"__get__": lambda remote, thing, kind=None: remote if thing is None else types.MethodType(remote, thing)},
}
_CLASSES = {}


def remote_class(special, nature):
    """The class of what stands for a thing of this nature that has these special methods."""
    known = _CLASSES.get((special, nature))
    if known is None:
        methods = {name: _SPECIAL_METHODS[name] for name in special} | _BY_NATURE.get(nature, {})
        known = type("Remote", (Remote,), {"__slots__": (), "__hash__": None, **methods, "__doc__": Remote.__doc__})
        _CLASSES[special, nature] = known
    return known
