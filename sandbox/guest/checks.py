"""Tests that are Python themselves, such as `assert f(3) == 4`: the benchmark's code in one interpreter, the program in another.

Were both in one, the program could redefine what the test compares with. So the test runs in an interpreter of its own, where each
name that it does not define stands for one of the program's, and asks the host when it uses one. The host asks the program's
interpreter (see served.py) and carries the answer back. What travels between the two, and what the test believes, is in peer.py.
"""

import ast
import builtins
import re
import sys
import types

import _assay_texts as _texts
from _assay_patches import PROGRAM, Environment, Replaced
from _assay_peer import text_of
from _assay_remote import Unsupported
from _assay_standins import Names, connect
from _assay_unit_tests import FUNCTIONS, UnitTests, names_in

# What a test says that looks at variables of the environment, or sets them.
_OF_ENVIRONMENT = re.compile(r"environ|getenv")
# The names of functions in a text.
_FUNCTIONS = re.compile(r"^\s*(?:async\s+)?def\s+(\w+)", re.MULTILINE)
# What the interpreter says where a pattern of a `match` statement is a class of the program's.
_NO_CLASS = "called match pattern must be a class"
# Modules of which a test imports what it is about: the program.
_OF_PROGRAM = ("solution", "submission", "program", "candidate", "main")


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
    """What of a test's setup a program finds defined, as texts: imports, classes that hold nothing but methods and fields, functions, and
    variables that nothing else uses.

    Not there is what the program is to define itself, and what the test `code` names: it may be, or compute, what is expected. Of a
    prompt, which a program goes on from or has in it, nothing is.
    """
    try:
        tree = _parse_setup(setup, entry)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        named = _reachable(ast.parse(code), tree)
    except (SyntaxError, ValueError):
        return []
    own = _first_name(entry or "")
    if any(_is_stub(statement, own) for statement in tree.body):
        return []
    return [ast.unparse(statement) for statement in tree.body if _is_for_program(statement, named, used, own)]


def _reachable(test, setup):
    """The names in a test, and those in the functions and classes of its setup that it so reaches."""
    defined = {statement.name: statement for statement in setup.body if isinstance(statement, (*FUNCTIONS, ast.ClassDef))}
    found, waiting = set(), names_in(test)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= names_in(defined[name]) if name in defined else set()
    return found


def _is_for_program(statement, named, used, own):
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name != own and name not in named
        case ast.ClassDef(name=name, body=body):
            return name != own and all(isinstance(part, (*FUNCTIONS, ast.AnnAssign, ast.Pass)) or _is_text(part) for part in body)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name not in named | used | {own} and all(isinstance(part, _OF_LITERALS) for part in ast.walk(value))
    return False


# What the value of a variable consists of, if no function computes it.
_OF_LITERALS = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context)


def _is_stub(statement, name):
    """Whether it is the start of the function that a program is to define."""
    is_function = isinstance(statement, FUNCTIONS) and statement.name == name
    return is_function and all(isinstance(part, ast.Pass) or _is_text(part) for part in statement.body)


def _is_text(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _first_name(expression):
    return expression.partition(".")[0].partition("(")[0]


class _Module(types.ModuleType):
    """The program as a module of the test's. What is set here is set there, until it is deleted here."""

    def __init__(self, name, ask):
        super().__init__(name)
        # Names that were set there.
        vars(self).update(_assay_ask=ask, _assay_set=set())

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._assay_ask("name", None, name)
        except NameError as error:
            raise AttributeError(f"the program defines no {name!r}") from error

    def __setattr__(self, name, value):
        # What the test defines itself is no business of the program's.
        if name in self._assay_set or name not in vars(self):
            self._assay_set.add(name)
            self._assay_ask("patch", None, PROGRAM, name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name):
        super().__delattr__(name)
        if name in self._assay_set:
            self._assay_set.discard(name)
            self._assay_ask("unpatch", None, PROGRAM, name)


def run_test(setup, code, entry, functions=()):
    """Runs the benchmark's test `code` after its `setup`: its statements, then `check(entry)` if there is an entry, a name or an
    expression, and a `check`, or else its unit tests. `functions` are names that the benchmark itself gives to functions.

    Gives a letter and a text: "+" passed, "W" an assertion of the test failed, "E" the program raised, "J" the test itself is broken.
    """
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(50000)
    both = f"{setup}\n{code}"
    peer = connect(both)
    peer.functions = {*functions, *_FUNCTIONS.findall(setup), entry and _first_name(entry)}
    built_ins = Names(peer)
    module = sys.modules["test"] = _Module("test", peer.ask)
    names = vars(module)
    names["__builtins__"] = built_ins
    for name in _OF_PROGRAM:
        sys.modules[name] = _Module(name, peer.ask)
    unit_tests = UnitTests(names, code)
    try:
        tree = _parse_setup(setup, entry)
        before = compile(tree, "<setup>", "exec", dont_inherit=True)
        test = compile(code, "<test>", "exec", dont_inherit=True)
        names |= _libraries(code)
        replaced = Replaced(f"{ast.unparse(tree)}\n{code}")
    except SyntaxError as error:
        return "J", f"{type(error).__name__}: {error}"
    shared = [replaced]
    if _OF_ENVIRONMENT.search(both):
        shared.append(Environment())
        peer.services["environment"] = shared[-1].hear
        peer.ask("share_environment", None)
    peer.before_asking = lambda: [one.tell(peer.ask) for one in shared]
    try:
        exec(before, names)
        if entry is None:
            names.update(_own_built_ins(code, built_ins.ask))
        else:
            # The setup holds a stub of what the program defines.
            names.pop(_first_name(entry), None)
        exec(test, names)
        if entry is not None and "check" in names:
            names["check"](eval(entry, names | _instead_of_built_in(_first_name(entry), built_ins.ask)))
        else:
            unit_tests.run_rest()
    except Unsupported as error:
        return "J", str(error)
    except SystemExit as error:
        is_end = built_ins.has_asked and error.code in (None, 0) and not peer.refused and not peer.is_of_program(error)
        return ("+", "") if is_end else ("E", "SystemExit")
    except BaseException as error:
        return _failure(error, peer, built_ins, unit_tests.failed)
    if peer.refused:
        # The test has caught it, as if it were an error of the program's.
        return "E", peer.refused
    return ("+", "") if built_ins.has_asked else ("J", "the test asks nothing about the program")


def _failure(error, peer, built_ins, unit_test):
    """What it means that the test, or this unit test of it, raised `error`."""
    _texts.restore(error)
    text = type(error).__name__ + (": " + text_of(error) if text_of(error) else "")
    if unit_test:
        text = f"{unit_test}: {text}"
    if peer.is_of_program(error):
        return "E", text
    if isinstance(error, ImportError) and error.name in _OF_PROGRAM:
        return "E", text
    if not built_ins.has_asked or isinstance(error, ImportError) or (type(error) is TypeError and text_of(error) == _NO_CLASS):
        # The program had no part in it.
        return "J", text
    return "W" if isinstance(error, AssertionError) else "E", text
