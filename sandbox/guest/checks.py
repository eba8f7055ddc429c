"""Tests that are Python themselves, such as `assert f(3) == 4`: the benchmark's code in one interpreter, the program in another.

Were both in one, the program could redefine what the test compares with. So the test runs in an interpreter of its own, where each
name that it does not define stands for one of the program's, and asks the host when it uses one. The host asks the program's
interpreter and carries the answer back. What travels between the two, and what the test believes, is in peer.py.
"""

import abc
import ast
import builtins
import dataclasses
import io
import os
import random
import re
import sys
import unittest

import _assay_wide as _wide
import _assay_threads as _threads
from _assay_patches import Replaced, Replacing
from _assay_peer import Peer, text_of
from _assay_remote import Remote, Unsupported
from _assay_values import TYPES, in_library


_write = os.write


def _line(read):
    """How a text is sent on a line of its own, whatever was printed before, and its answer read."""

    def exchange(text):
        line = b"\n" + text.encode() + b"\n"
        while line:
            line = line[_write(1, line) :]
        return read()

    return exchange


def _open_line():
    # A read gives what the host has to say at the moment, so nothing is asked for before it is needed.
    return _line(io.BufferedReader(io.FileIO(0, closefd=False)).readline)


# ---- the program's side ----


class _Input(io.TextIOBase):
    """Standard input, which is the test's."""

    def __init__(self, served):
        self.served = served
        self.buffer = _Bytes(self)

    def readable(self):
        return True

    def readline(self, size=-1, /):
        return self.served.ask("readline", size)

    def read(self, size=-1, /):
        return self.served.ask("read", size)


class _Bytes(io.BufferedIOBase):
    """The bytes of a text."""

    def __init__(self, text):
        self.text = text

    def readable(self):
        return True

    def read(self, size=-1, /):
        return self.text.read(size).encode()

    def readline(self, size=-1, /):
        return self.text.readline(size).encode()


class _Output(io.BytesIO):
    """Standard output, which goes to the test with the next message."""

    def take(self):
        text = self.getvalue().decode("utf-8", "backslashreplace")
        self.seek(0)
        self.truncate()
        return text


# Calls that the line itself takes in an answer.
_FRAMES = 100
# The names of functions in a text.
_FUNCTIONS = re.compile(r"^\s*(?:async\s+)?def\s+(\w+)", re.MULTILINE)
# Functions of a library that look into a thing.
_LOOKING = {name: getattr(dataclasses, name) for name in "asdict astuple fields replace is_dataclass".split()}


class Served:
    """The program's interpreter: does to the program's things what the test asks for."""

    def __init__(self):
        self.namespace = {}
        self.peer = Peer(False, vars(builtins), _open_line())
        replacing = Replacing()
        self.peer.services = {
            "name": self._name,
            "seed": random.seed,
            "recursion": sys.setrecursionlimit,
            "patch": replacing.replace,
            "unpatch": replacing.restore,
            **_LOOKING,
        }
        self.peer.fatal = _threads.Unsupported
        self.peer.before_raising = self._before_raising
        # Whether somebody is at the other end.
        self.is_heard = False
        self.output = _Output()
        self.peer.printed = self.output.take
        sys.stdout = io.TextIOWrapper(self.output, "utf-8", write_through=True)
        sys.stdin = _Input(self)
        builtins.input = lambda prompt="", /: self.ask("input", prompt)

    def start(self, namespace):
        """The program has been run and has these names. What it has printed is not for the test."""
        self.namespace = namespace
        self.output.take()

    def ask(self, service, argument):
        if self.is_heard:
            return self.peer.ask(service, None, argument)
        if service == "input":
            raise EOFError("EOF when reading a line")
        return ""

    def answer(self, message):
        """Does what `message` asks for and gives the reply, both JSON texts."""
        self.is_heard = True
        digits, recursion = sys.get_int_max_str_digits(), sys.getrecursionlimit()
        try:
            # What the line takes is not the program's.
            sys.setrecursionlimit(min(recursion + _FRAMES, 10**8))
            # Numbers travel whatever their length.
            sys.set_int_max_str_digits(0)
            return self.peer.answer(message)
        finally:
            sys.set_int_max_str_digits(digits)

    def _name(self, name):
        if name not in self.namespace:
            raise NameError(f"name {name!r} is not defined")
        return self.namespace[name]

    @staticmethod
    def _before_raising(error):
        if _wide.is_too_narrow(error):
            raise error


# ---- the test's side ----


class _Nowhere(io.TextIOBase):
    """Where a test's own output goes."""

    def write(self, text):
        return len(text)


class _Type(type):
    """What stands in the place of `type`, so that `type(x)` is the program's class of the program's `x`."""

    def __call__(cls, /, *arguments, **named):
        if len(arguments) == 1 and isinstance(arguments[0], Remote):
            return arguments[0]._assay_peer.ask("type", arguments[0])
        return type(*arguments, **named)

    def __instancecheck__(cls, thing):
        return isinstance(thing, type)

    def __subclasscheck__(cls, kind):
        return issubclass(kind, type)

    def __eq__(cls, other):
        return other is type or other is cls

    def __hash__(cls):
        return hash(type)


class _TypeStandIn(type, metaclass=_Type):
    pass


def _instance_of_abstract(check):
    """Asks the program about what is the program's, and `check` about everything else.

    Only the test itself has an answer: the library would go on to compute with the thing, as if its numbers and sets were numbers and
    sets. Of the test's own classes nothing of the program's is.
    """

    def is_instance(cls, thing):
        if not issubclass(type(thing), Remote) or thing._assay_value:
            return check(cls, thing)
        asker = sys._getframe(1).f_globals.get("__name__")
        if asker not in ("test", "unittest.case") or in_library(cls) is None or thing._assay_peer.is_told(thing):
            return False
        return bool(thing._assay_peer.ask("isinstance", cls, thing))

    return is_instance


def _sets_are_equal(compare):
    """Sets are compared by asking the first one what the second lacks, which is for values alone."""

    def assert_equal(case, first, second, msg=None):
        if any(isinstance(side, Remote) and not side._assay_value for side in (first, second)):
            case.fail(msg or "what is compared is no set")
        compare(case, first, second, msg)

    return assert_equal


def _by_program(name, function):
    """Has the program's library look into what is the program's."""

    def stand_in(thing, /, *arguments, **named):
        if isinstance(thing, Remote):
            return thing._assay_peer.ask(name, None, thing, *arguments, **named)
        return function(thing, *arguments, **named)

    return stand_in


def _connect():
    """The line to the program, with all that goes along with it."""
    peer = Peer(True, TYPES, _open_line())
    peer.print = lambda text: sys.stdout.write(text)
    sys.stdin, sys.stdout = io.StringIO(), _Nowhere()
    peer.services = {
        "input": lambda prompt: builtins.input(prompt),
        "readline": lambda size: sys.stdin.readline(size),
        "read": lambda size: sys.stdin.read(size),
    }
    abc.ABCMeta.__instancecheck__ = _instance_of_abstract(abc.ABCMeta.__instancecheck__)
    unittest.TestCase.assertSetEqual = _sets_are_equal(unittest.TestCase.assertSetEqual)
    for name, function in _LOOKING.items():
        setattr(dataclasses, name, _by_program(name, function))
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


class _Names(dict):
    """Built-in names, and behind them the program's."""

    def __init__(self, peer):
        super().__init__(vars(builtins), type=_TypeStandIn)
        self.peer = peer
        # Whether the test has asked for anything of the program's.
        self.has_asked = False

    def __missing__(self, name):
        if name.startswith("__"):
            raise KeyError(name)
        return self.ask(name)

    def ask(self, name):
        self.has_asked = True
        return self.peer.ask("name", None, name)


def _own_built_ins(code, ask):
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
    if len(free) != 1:
        return {}
    try:
        return _instead_of_built_in(*free, ask)
    except NameError:
        return {}


def _instead_of_built_in(name, ask):
    """What the program calls by this name, if Python calls something else so."""
    if not hasattr(builtins, name):
        return {}
    found = ask(name)
    return {} if found is getattr(builtins, name) else {name: found}


def _libraries(code):
    """The modules of the standard library that a test uses: its own ones, whatever the program calls by their names."""
    used = {node.value.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    return {name: sys.modules[name] for name in used & sys.stdlib_module_names & sys.modules.keys()}


def _parse_setup(setup, entry):
    try:
        return ast.parse(setup)
    except SyntaxError:
        if entry is None:
            raise
    # A prompt may end where the body of its function starts.
    return ast.parse(setup + "\n    pass")


def definitions(setup, code, entry):
    """What of a test's setup a program finds defined, as texts: imports, classes that hold nothing but methods and fields, and functions.

    Not there is what the program is to define itself, and a function that the test `code` names: it may compute what is expected.
    """
    try:
        statements = _parse_setup(setup, entry).body
        named = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    except (SyntaxError, ValueError):
        return []
    own = _first_name(entry or "")
    return [ast.unparse(statement) for statement in statements if _is_for_program(statement, named, own)]


def _is_for_program(statement, named, own):
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name != own and name not in named
        case ast.ClassDef(name=name, body=body):
            return name != own and all(isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign, ast.Pass)) or _is_text(part) for part in body)
    return False


def _is_text(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _first_name(expression):
    return expression.partition(".")[0].partition("(")[0]


def run_test(setup, code, entry, functions=()):
    """Runs the benchmark's test `code` after its `setup`, then `check(entry)` if there is an entry, a name or an expression.
    `functions` are names that the benchmark itself gives to functions.

    Gives a letter and a text: "+" passed, "W" an assertion of the test failed, "E" the program raised, "J" the test itself is broken.
    """
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(50000)
    peer = _connect()
    peer.functions = {*functions, *_FUNCTIONS.findall(setup), entry and _first_name(entry)}
    built_ins = _Names(peer)
    names = {"__name__": "test", "__builtins__": built_ins}
    try:
        before = compile(_parse_setup(setup, entry), "<setup>", "exec", dont_inherit=True)
        test = compile(code, "<test>", "exec", dont_inherit=True)
        names |= _libraries(code)
        replaced = Replaced(code)
    except SyntaxError as error:
        return "J", f"{type(error).__name__}: {error}"
    peer.before_asking = lambda: replaced.tell(peer.ask)
    try:
        exec(before, names)
        if entry is None:
            names.update(_own_built_ins(code, built_ins.ask))
        else:
            # The setup holds a stub of what the program defines.
            names.pop(_first_name(entry), None)
        exec(test, names)
        if entry is not None:
            names["check"](eval(entry, names | _instead_of_built_in(_first_name(entry), built_ins.ask)))
    except Unsupported as error:
        return "J", str(error)
    except SystemExit as error:
        is_end = built_ins.has_asked and error.code in (None, 0) and not any(error is raised for raised in peer.raised)
        return ("+", "") if is_end else ("E", "SystemExit")
    except BaseException as error:
        text = type(error).__name__ + (": " + text_of(error) if text_of(error) else "")
        if any(error is raised for raised in peer.raised):
            return "E", text
        if not built_ins.has_asked or isinstance(error, ImportError):
            # The program had no part in it.
            return "J", text
        if isinstance(error, AssertionError):
            return "W", text
        return "E", text
    return ("+", "") if built_ins.has_asked else ("J", "the test asks nothing about the program")
