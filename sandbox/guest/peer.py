"""Two interpreters that use each other's things: a test's and a program's, each at one end of a line.

A side asks the other for an operation on one of its things and waits for the answer; while it waits it answers what it is asked itself,
so that a program may call a function that it got from a test. What passes:

- Plain values, such as numbers, texts and tuples, by value.
- Lists, dictionaries and other things that change, as mirrors: each side has one of its own, of the same type. What a side has changed
  since it last heard of the other goes along with its next message, so both have the same contents whenever they look.
- Everything else stays where it is. It travels as a number, and on the other side a `Remote` stands for it, which asks for what is
  done to it.

The test's side believes nothing: a program can send it any message. Nothing in a message becomes code or a function of the test's, and
what the test compares with its own values are plain values (see `Remote`).

Messages are JSON. A value is itself if JSON has it, else a list of a tag and what the tag needs.
"""

import abc
import builtins
import json
import operator
import re
import sys
import types

import _assay_texts as _texts
from _assay_harmless import expect_harmless
from _assay_remote import GIVE_OWN, OPERATIONS, SPECIAL, WITH_ANOTHER, Remote, remote_class
from _assay_values import (
    ATOMS,
    BASES,
    BUILT_IN,
    CODECS,
    DECODERS,
    ITERATORS,
    MAKERS,
    MUTABLES,
    NATURES,
    TYPES,
    contents_of,
    in_library,
    is_unchanged,
    of_kind,
)

# As they are before a test replaces them.
_to_json, _of_json = json.dumps, json.loads

# Modules whose exceptions are the same on both sides.
_ERRORS_OF = frozenset(
    "json json.decoder queue _queue dataclasses statistics decimal copy struct zlib binascii csv _csv asyncio asyncio.exceptions "
    "concurrent.futures concurrent.futures._base re graphlib string tomllib configparser shutil subprocess socket".split()
)
# Operations on what goes on until it ends.
_ENDING = ("next", "send", "throw", "drive")
# How the names of classes look.
_CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")


class _Items:
    """The items of an iterator that nobody else has."""

    def __init__(self, items):
        self.items = items


class _Yours:
    """A thing of the other side by its number."""

    def __init__(self, number):
        self.number = number


class _ExceptionClass(type):
    """What stands for a class of exceptions of the other side, where its exceptions are made and its attributes are."""

    def __call__(cls, /, *arguments, **named):
        # A class of this side's that inherits from it makes its own.
        if "_assay_ask" not in vars(cls):
            return super().__call__(*arguments, **named)
        made = cls._assay_ask("call", *arguments, **named)
        if type(made) is not cls:
            raise TypeError("a class of exceptions that makes others")
        return made

    def __getattr__(cls, name):
        if name.startswith("_") or "_assay_ask" not in vars(cls):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return cls._assay_ask("getattr", name)


class Peer:
    """One end of the line."""

    def __init__(self, is_test, names, exchange):
        """`names` are the built-in things that the other side may give by name; `exchange` sends a text and gives the answer, or None."""
        self.is_test = is_test
        self.names = names
        self.exchange = exchange
        # What is done for the other side besides operations on things: functions by name.
        self.services = {}
        # Names that are no classes, though they look like one.
        self.functions = frozenset()
        # Called with what the other side has written to standard output and error; what this side has written.
        self.print = lambda output, errors: None
        self.printed = lambda: ("", "")
        # Called before the other side is asked for anything.
        self.before_asking = lambda: None
        # Whether the other side was asked for an operation on a thing of its own.
        self.has_asked = False
        # Errors that have come from the other side, or were made for one that it raised.
        self._errors_of_other = []
        # Why the test was last refused an answer.
        self.refused = ""
        # Functions that are methods of the test's classes that inherit from the program's.
        self.methods = set()
        self._next = 0 if is_test else 1
        self._things = {}
        self._numbers = {}
        self._remotes = {}
        # The remotes of the message that is being read, by number: each with its trust before, and how often it stands there.
        self._arrived = {}
        # Numbers of errors of which a message is being made.
        self._errors = set()
        # Numbers of things that may have been made from a value of the test's.
        self._told = set()
        # Numbers of things that have come as no class and as none of the test's making: see `Remote`.
        self._distrusted = set()
        # By number: what changes, and its contents when the other side last heard of them.
        self._mirrors = {}
        self._mirror_numbers = {}

    def ask(self, operation, target, /, *arguments, **named):
        """Has the other side do an operation on `target`, a Remote or None. Gives what it gives, raises what it raises."""
        if isinstance(target, Remote) and self.is_told(target) and operation not in WITH_ANOTHER:
            self._refuse("what a function gave has been told a value of the test's, and says nothing more")
        self.has_asked |= target is not None
        self.before_asking()
        # Nothing is changed by telling what has a name.
        is_idle = operation == "name"
        message = ["ask", operation, *self._message((target, arguments, tuple(named), tuple(named.values())), is_idle)]
        while True:
            reply = self.exchange(_to_json(message))
            if not reply:
                # The other interpreter is gone: the host knows why and does not look at what this one says.
                raise ConnectionError("the other side has ended")
            kind, *rest = _of_json(reply)
            if kind != "ask":
                break
            message = self._answer(*rest)
        received = self._received(rest, self._trust(operation, target, arguments))
        if kind == "raised":
            error = received if isinstance(received, BaseException) else TypeError("an exception that is none")
            if operation not in _ENDING and isinstance(error, (StopIteration, StopAsyncIteration, GeneratorExit)):
                # It would end an iteration of this side's.
                error = RuntimeError(f"{type(error).__name__}: {text_of(error)}")
            # Also one of this side's own: it was the other side that raised it.
            self._errors_of_other.append(error)
            raise error
        return received

    def is_of_program(self, error):
        """Whether the other side has made it or raised it, whoever raises it here."""
        return any(error is one for one in self._errors_of_other)

    def is_told(self, remote):
        """Whether it may have been made from a value of the test's."""
        return remote._assay_number in self._told

    def ask_told(self, operation, left, right):
        """The same of a thing that the test has not made and a value of the test's. A plain value could be made to measure."""
        received = self.ask(operation, left, right)
        if not isinstance(received, Remote) or received._assay_value:
            self._refuse(f"unsupported operand types for {operation}: what a function gave, and a value of the test's")
        self._told.add(received._assay_number)
        return received

    def _refuse(self, why):
        self.refused = f"TypeError: {why}"
        raise TypeError(why)

    def answer(self, text):
        """Does what a message asks for, and gives the reply."""
        kind, *rest = _of_json(text)
        if kind != "ask":
            raise ValueError("an answer that nobody asked for")
        return _to_json(self._answer(*rest))

    def _answer(self, operation, *message):
        is_idle = operation == "name"
        try:
            target, arguments, keys, values = self._received(message, is_call=operation == "call")
            named = dict(zip(keys, values))
            if operation in self.services:
                done = self.services[operation](*arguments, **named)
            else:
                if self.is_test:
                    expect_harmless(operation, target, arguments, lambda thing: id(thing) in self._numbers)
                done = OPERATIONS[operation](target, *arguments, **named)
                if operation == "iter" and type(done) in ITERATORS:
                    # Nobody else has it.
                    done = _Items(done)
            if operation not in self.services:
                self.before_asking()
            return ["value", *self._message(done, is_idle)]
        except self.fatal:
            raise
        except BaseException as error:
            self.before_raising(error)
            _texts.restore(error)
            # Its frames would keep all that they hold.
            return ["raised", *self._message(error.with_traceback(None))]

    # Errors that end this side instead of going to the other.
    fatal = ()

    def before_raising(self, error):
        """May raise an error of this side instead of sending it."""

    # ---- messages: a value, what has changed, what is forgotten, what was printed ----

    def _message(self, value, is_idle=False):
        if is_idle:
            return [self._encode(value), [], [], ("", "")]
        encoded, changes = self._encode(value), self._changes()
        return [encoded, changes, self._forget(), self.printed()]

    def _received(self, message, trust=None, is_call=False):
        """The value of a message, after what else it says. `trust` is for the value, if that is a thing."""
        encoded, changes, forgotten, printed = message
        outer, self._arrived = self._arrived, {}
        value, is_whole = None, False
        try:
            value = self._decode(encoded)
            for number, parts in changes:
                self._fill(number, MUTABLES[type(self._mirrors[number][0])][2], parts)
            for number in forgotten:
                mirror = self._mirrors.pop(number, None)
                if mirror is not None:
                    del self._mirror_numbers[id(mirror[0])]
            is_whole = True
        finally:
            arrived, self._arrived = self._arrived, outer
            if self.is_test:
                self._settle(arrived, value if is_whole else None, trust, is_call)
        if any(printed):
            self.print(*printed)
        return value

    def _settle(self, arrived, value, trust, is_call):
        """Gives things of a message their trust back, where the test may trust them. `value` is that of the message, if it was read whole."""
        known = self._self_of(value) if is_call else None
        for number, (remote, before, times) in arrived.items():
            # One that is called for stands nowhere else.
            is_known = remote is known and times == 1
            if not is_known and (remote is not value or trust is None):
                self._distrusted.add(number)
            elif number not in self._distrusted:
                remote._assay_set(trust=before if is_known else trust or before)

    def _self_of(self, call):
        """What a method of the test's is called for: an object of a class of the test's, trusted as what made it gives it."""
        if type(call) is not tuple or len(call) != 4 or type(call[1]) is not tuple:
            return None
        function, arguments, *_ = call
        is_method = type(function) is types.FunctionType and function in self.methods
        return arguments[0] if is_method and arguments else None

    def _changes(self):
        changes = []
        for number, mirror in list(self._mirrors.items()):
            thing, contents = mirror
            # One that is being filled has no contents yet: a key may ask its own side for its hash.
            if contents is not None and not is_unchanged(thing, contents):
                mirror[1] = contents_of(thing)
                changes.append([number, [self._encode(part) for part in MUTABLES[type(thing)][1](thing)]])
        return changes

    def _forget(self):
        """Drops the mirrors that nobody on this side has any more, and gives their numbers."""
        forgotten = [number for number, mirror in self._mirrors.items() if _references(mirror) <= _UNUSED]
        for number in forgotten:
            del self._mirror_numbers[id(self._mirrors.pop(number)[0])]
        return forgotten

    # ---- values ----

    def _allocate(self):
        self._next += 2
        return self._next

    def _encode(self, value):
        kind = type(value)
        if kind in ATOMS:
            return value
        if issubclass(kind, Remote):
            return ["yours", value._assay_number]
        if kind is _Yours:
            return ["yours", value.number]
        if kind in MUTABLES:
            return self._encode_mutable(value, *MUTABLES[kind])
        if kind in CODECS:
            tag, take_apart, _ = CODECS[kind]
            return [tag, [self._encode(part) for part in take_apart(value)]]
        # Of anything but types and functions of Python's own, the program would have a say in its name.
        if kind in (type, abc.ABCMeta, BUILT_IN):
            if TYPES.get(value.__name__) is value or (self.is_test and getattr(builtins, value.__name__, None) is value):
                return ["built-in", value.__name__]
        if self.is_test and (found := in_library(value)):
            return ["library", *found]
        if kind is _Items:
            return ["iterator", [self._encode(item) for item in value.items]]
        if isinstance(value, type) and issubclass(value, BaseException):
            return self._encode_exception_class(value)
        if isinstance(value, BaseException):
            return self._encode_error(value)
        return self._encode_thing(value)

    def _encode_mutable(self, value, tag, take_apart, _fill, extra, _make):
        number = self._mirror_numbers.get(id(value))
        if number is not None:
            return ["same", number]
        number = self._allocate()
        self._mirrors[number] = mirror = [value, None]
        self._mirror_numbers[id(value)] = number
        mirror[1] = contents_of(value)
        return [tag, number, [self._encode(part) for part in extra(value)], [self._encode(part) for part in take_apart(value)]]

    def _number(self, thing):
        number = self._numbers.get(id(thing))
        if number is None:
            number = self._numbers[id(thing)] = self._allocate()
            self._things[number] = thing
        return number

    def _encode_exception_class(self, kind):
        if "_assay_number" in vars(kind):
            return ["yours", vars(kind)["_assay_number"]]
        if kind.__module__ in _ERRORS_OF and getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind:
            return ["library-exception", kind.__module__, kind.__qualname__]
        bases = [base for base in kind.__bases__ if issubclass(base, BaseException)]
        return ["exception", self._number(kind), kind.__name__, [self._encode(base) for base in bases]]

    def _encode_error(self, error):
        stands_for = vars(error).get("_assay_error")
        if stands_for is not None:
            return ["yours", stands_for]
        number = self._number(error)
        if number in self._errors:
            # It is its own cause's cause.
            return None
        self._errors.add(number)
        try:
            return ["error", number, self._encode(self._taken_apart(error))]
        finally:
            self._errors.discard(number)

    def _encode_thing(self, thing):
        kind = type(thing)
        special = [name for name in SPECIAL if of_kind(kind, name) is not None]
        if isinstance(thing, type) and hasattr(thing, "__class_getitem__"):
            special.append("__getitem__")
        values = [self._encode_value(value_of(thing)) for base, value_of in BASES.items() if isinstance(thing, base)]
        nature = next((name for name, kind in NATURES.items() if isinstance(thing, kind)), "")
        return ["thing", self._number(thing), special, values[:1], nature]

    def _encode_value(self, value):
        """The value of a kind of a plain type: what changes is taken as it is now."""
        if type(value) not in MUTABLES:
            return self._encode(value)
        tag, take_apart, *_ = MUTABLES[type(value)]
        return [tag, None, [], [self._encode(part) for part in take_apart(value)]]

    def _decode(self, value):
        if type(value) is not list:
            return value
        tag, *rest = value
        if tag in DECODERS:
            return DECODERS[tag]([self._decode(part) for part in rest[0]])
        if tag in MAKERS:
            return self._decode_mutable(tag, *rest)
        return getattr(self, "_decode_" + tag.replace("-", "_"))(*rest)

    def _decode_mutable(self, tag, number, extra, parts):
        make, fill = MAKERS[tag]
        value = make(*map(self._decode, extra))
        if number is not None:
            self._expect_new(number)
            self._mirrors[number] = [value, None]
            self._mirror_numbers[id(value)] = number
            self._fill(number, fill, parts)
        else:
            fill(value, [self._decode(part) for part in parts])
        return value

    def _fill(self, number, fill, parts):
        """Gives a mirror the contents that the other side has told."""
        mirror = self._mirrors[number]
        mirror[1] = None
        try:
            fill(mirror[0], [self._decode(part) for part in parts])
        finally:
            mirror[1] = contents_of(mirror[0])

    def _expect_new(self, number):
        """A number that the other side gives to something new."""
        if type(number) is not int or number % 2 == self._next % 2 or number in self._mirrors:
            raise TypeError("a number that is not the other side's to give")

    def _decode_same(self, number):
        return self._mirrors[number][0]

    def _decode_yours(self, number):
        return self._things[number]

    def _decode_built_in(self, name):
        return self.names[name]

    def _decode_library(self, module, name):
        if self.is_test:
            raise TypeError("a function that a program gives")
        return operator.attrgetter(name)(sys.modules[module])

    def _decode_exception(self, number, name, bases):
        known = self._remotes.get((number, "exception"))
        if known is None:
            self._expect_new(number)
            kinds = tuple(base for base in map(self._decode, bases) if isinstance(base, type) and issubclass(base, BaseException))
            members = {
                "__module__": "__main__",
                "__str__": _exception_text,
                "__getattr__": lambda error, name: self._ask_original(error, name),
                "_assay_number": number,
                "_assay_ask": staticmethod(lambda operation, *arguments, **named: self.ask(operation, _Yours(number), *arguments, **named)),
            }
            known = self._remotes[number, "exception"] = _ExceptionClass(str(name), kinds or (Exception,), members)
        return known

    def _decode_library_exception(self, module, name):
        kind = getattr(sys.modules.get(module), name, None) if module in _ERRORS_OF else None
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError("an exception that is none")
        return kind

    def _decode_error(self, number, parts):
        known = self._remotes.get((number, "error"))
        if known is None:
            self._expect_new(number)
            known = self._remotes[number, "error"] = self._as_raised(self._decode(parts))
            known._assay_error = number
            self._errors_of_other.append(known)
        return known

    def _ask_original(self, error, name):
        """An attribute that the exception has where it comes from."""
        number = vars(error).get("_assay_error")
        if number is None or name.startswith("_"):
            raise AttributeError(name)
        return self.ask("getattr", _Yours(number), name)

    def _decode_iterator(self, items):
        return iter([self._decode(item) for item in items])

    def _decode_thing(self, number, special, value, nature):
        self._expect_new(number)
        # The same one each time, for whoever looks at who is who.
        remote = self._remotes.get(number)
        if remote is None:
            trust, nature = "" if self.is_test else "own", nature if nature in NATURES else ""
            kind = remote_class(frozenset(special).intersection(SPECIAL), nature)
            remote = self._remotes[number] = object.__new__(kind)
            remote._assay_set(peer=self, number=number, trust=trust, nature=nature, driver=None, hash=None)
        remote._assay_set(value=tuple(map(self._decode, value[:1])))
        before, times = remote._assay_trust, 0
        if number in self._arrived:
            _, before, times = self._arrived[number]
        self._arrived[number] = remote, before, times + 1
        if self.is_test:
            # The program may be asked before the message is read whole, and ask back.
            remote._assay_set(trust="")
        return remote

    def _trust(self, operation, target, arguments):
        """What the test may trust a thing with that comes back; nothing is changed with "", and None takes the trust away."""
        trust = target._assay_trust if isinstance(target, Remote) else ""
        if operation == "name" and _CLASS_NAME.fullmatch(arguments[0]) and arguments[0] not in self.functions:
            return "class"
        if operation == "subclass" or (operation == "getitem" and trust == "class" and _are_types(arguments)):
            # Such as `Stack[int]`.
            return "class"
        if (operation == "call" and trust == "class") or (operation in GIVE_OWN and trust == "own"):
            return "own"
        if operation in GIVE_OWN and not isinstance(target, Remote) and all(one._assay_trust == "own" for one in arguments if isinstance(one, Remote)):
            # Such as `2 * V(1, 2)`.
            return "own"
        return "" if operation == "type" else None

    # ---- exceptions ----

    def _taken_apart(self, error):
        """The class of an exception, what to make it from, its text, its attributes (names and values in turn), its cause, its context,
        whether that is for nobody to see, and its notes.
        """
        kind, text = type(error), text_of(error)
        try:
            # Some, such as OSError, are made from more than they have as `args`.
            arguments = error.__reduce__()[1] if kind.__module__ == "builtins" or kind.__module__ in _ERRORS_OF else error.args
        except Exception:
            arguments = error.args
        attributes = [part for name, value in vars(error).items() if not name.startswith("_") for part in (name, value)]
        # What the test was about is not for the program to see, and contexts may be a long chain.
        context = error.__context__ if not self.is_test and len(self._errors) == 1 else None
        told = error.__cause__, context, error.__suppress_context__, getattr(error, "__notes__", None)
        return kind, arguments, text, tuple(attributes), *told

    def _as_raised(self, parts):
        kind, arguments, text, attributes, cause, context, is_suppressed, notes = parts
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError("an exception that is none")
        try:
            # Here, not where its class is.
            error = type.__call__(kind, *arguments)
        except Exception:
            # Some, such as UnicodeDecodeError, are not made from a text.
            error = RuntimeError(f"{kind.__name__}: {arguments}")
        if "_assay_number" in vars(kind):
            error._assay_text = text
        for name, attribute in zip(attributes[::2], attributes[1::2]):
            if not name.startswith("_"):
                setattr(error, name, attribute)
        if isinstance(cause, BaseException):
            error.__cause__ = cause
        if isinstance(context, BaseException):
            error.__context__ = context
        error.__suppress_context__ = is_suppressed is True
        for note in notes or ():
            error.add_note(note)
        return error


def _are_types(arguments):
    """Whether these are types, or tuples of types, as in the brackets behind a generic class."""
    return all(_are_types(one) if type(one) is tuple else isinstance(one, type) or one is None or one is ... for one in arguments)


def text_of(error):
    try:
        return str(error)
    except BaseException:
        return ""


def _exception_text(error):
    return getattr(error, "_assay_text", None) or BaseException.__str__(error)


def _references(mirror):
    return sys.getrefcount(mirror[0])


_UNUSED = _references([[], None])
