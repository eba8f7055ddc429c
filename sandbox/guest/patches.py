"""What a test replaces in Python's library, as with `unittest.mock.patch`: the program, in another interpreter, finds it replaced too."""

import ast
import importlib
import operator
import os
import re
import sys
import types

from _assay_remote import Unsupported

# Names by which tests replace something, besides the assignment to an attribute.
_REPLACE = frozenset("patch setattr delattr monkeypatch Mock MagicMock".split())
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
# Modules that do something when they are imported.
_LOUD = frozenset(["antigravity", "this", "idlelib", "turtledemo"])
# Of these the test's side takes care itself.
_STREAMS = frozenset(["stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__", "modules", "input"])
# Built-in functions that the line between the two does without.
_BUILT_IN = frozenset("print open exit quit sum sorted max min abs round pow divmod chr ord bin hex oct".split())
_ABSENT = object()
# The program's own module, where a test's interpreter calls its functions.
PROGRAM = "program"
_vars, _set, _delete = vars, setattr, delattr


def _owner(path):
    """The module, or the class of a module, that has this path; None if there is none in Python's library."""
    names = path.split(".")
    if names[0] not in sys.stdlib_module_names or names[0] in _LOUD:
        return None
    for count in range(len(names), 0, -1):
        try:
            module = importlib.import_module(".".join(names[:count]))
            found = operator.attrgetter(".".join(names[count:]))(module) if count < len(names) else module
        except (ImportError, AttributeError):
            continue
        return found if isinstance(found, (types.ModuleType, type)) else None
    return None


def _replaces(tree):
    """Whether the code replaces an attribute of anything."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                return True
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in _REPLACE:
                return True
    return False


def _named(tree):
    """The dotted paths that the code names, and those in its texts; the shorter ones too."""
    paths = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name() | ast.Attribute():
                paths.add(ast.unparse(node))
            case ast.Constant(value=str(text)) if _DOTTED.fullmatch(text):
                paths.add(text.rpartition(".")[0])
            case ast.Import(names=names):
                paths.update(alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                paths.update([module, *(f"{module}.{alias.name}" for alias in names)])
    paths = {path for path in paths if _DOTTED.fullmatch(path)}
    return {path.rsplit(".", cut)[0] for path in paths for cut in range(path.count(".") + 1)}


class Replaced:
    """Attributes of the library's modules and classes that a test has replaced."""

    def __init__(self, code):
        """Looks at the modules and classes that the code names, if it replaces anything."""
        tree = ast.parse(code)
        named = sorted(_named(tree)) if _replaces(tree) else []
        owners = {path: _owner(path) for path in named}
        self._owners = {path: owner for path, owner in owners.items() if owner is not None}
        self._before = {path: dict(vars(owner)) for path, owner in self._owners.items()}
        self._told = {path: dict(attributes) for path, attributes in self._before.items()}

    def tell(self, ask):
        """Has the other side replace what was replaced since the last time, and put back what was put back."""
        for path, owner in self._owners.items():
            now, told, before = _vars(owner), self._told[path], self._before[path]
            for name in [name for name in dict.fromkeys([*now, *told]) if now.get(name, _ABSENT) is not told.get(name, _ABSENT)]:
                value = now.get(name, _ABSENT)
                # Before it is told: asking looks for more to tell.
                if value is _ABSENT:
                    told.pop(name, None)
                else:
                    told[name] = value
                self._tell_one(ask, path, name, value, before.get(name, _ABSENT))

    def _tell_one(self, ask, path, name, value, before):
        # A module that is imported later becomes an attribute of its package.
        if name in _STREAMS or isinstance(value, types.ModuleType):
            return
        if path == "builtins" and name not in _BUILT_IN and before is not _ABSENT:
            raise Unsupported(f"the test replaces the built-in `{name}`, which the judge needs itself")
        if value is before:
            ask("unpatch", None, path, name)
        elif value is not _ABSENT:
            ask("patch", None, path, name, value)


class Environment:
    """Variables of the environment: each side has one of these, and is told what the other sets and removes. Both begin with none."""

    def __init__(self):
        self._told = {}

    def tell(self, ask):
        """Tells the other side what has changed here."""
        if self._told != os.environ:
            changed = tuple(item for item in os.environ.items() if self._told.get(item[0]) != item[1])
            removed = tuple(name for name in self._told if name not in os.environ)
            self._told = dict(os.environ)
            ask("environment", None, changed, removed)

    def hear(self, changed, removed):
        """Does what the other side has done."""
        for variables in (os.environ, self._told):
            variables.update(changed)
            for name in removed:
                variables.pop(name, None)


def _target(path):
    """As `_owner`, and the program's own module too."""
    return sys.modules[PROGRAM] if path == PROGRAM else _owner(path)


class Replacing:
    """The other side of what is replaced."""

    def __init__(self):
        self._before = {}

    def replace(self, path, name, value):
        owner = _target(path)
        self._before.setdefault((path, name), _vars(owner).get(name, _ABSENT))
        _set(owner, name, value)

    def restore(self, path, name):
        value = self._before.pop((path, name), _ABSENT)
        if value is not _ABSENT:
            _set(_target(path), name, value)
        elif name in _vars(_target(path)):
            _delete(_target(path), name)
