"""Unit tests of a test that is Python: classes of `unittest`, and functions whose names begin with `test`."""

import ast
import asyncio
import inspect
import re
import types
import unittest

from _assay_remote import Unsupported

# Statements that define a function.
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# How a test looks at what running its unit tests gave.
_SEEN = re.compile(r"\b(?:wasSuccessful|failures|errors)\b")


class _Result(unittest.TestResult):
    """Keeps the first failure, after which nothing more is run."""

    def __init__(self):
        super().__init__()
        self.failed = None

    def _keep(self, test, error):
        if self.failed is None:
            self.failed = test, error
        self.stop()

    def addError(self, test, error):
        self._keep(test, error[1])

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._keep(subtest, error[1])

    def addUnexpectedSuccess(self, test):
        self._keep(test, AssertionError("an unexpected success"))


class UnitTests:
    """The unit tests among the names of a test."""

    def __init__(self, names, code):
        self._names, self._code = names, code
        # What was said of the suites that the test has run itself.
        self._results = []
        # The unit test that has failed.
        self.failed = None
        self._watch()

    def _watch(self):
        """A test may run its classes itself, which is then not done again."""
        run_suite = unittest.TestSuite.run

        def run(suite, result, *arguments, **named):
            self._results.append(result)
            return run_suite(suite, result, *arguments, **named)

        unittest.TestSuite.run = run
        unittest.main = self._main

    def _main(self, *_, **__):
        """`unittest.main`: ends the test if it fails, else the test goes on."""
        return types.SimpleNamespace(result=self._run(self._classes()))

    def run_rest(self):
        """Runs what the test has left to whoever runs it: its classes, unless it has run some itself and either looks at what that gave
        or none has failed, and functions and other classes that it does not name.

        Raises the first failure.
        """
        classes = self._classes()
        is_seen = _SEEN.search(self._code) or all(result.wasSuccessful() for result in self._results)
        if classes and not (self._results and is_seen):
            self._run(classes)
        self._run_others()

    def _classes(self):
        # What stands for a thing of the program's is not asked for its class.
        kinds = [kind for kind in list(self._names.values()) if issubclass(type(kind), type)]
        return [kind for kind in kinds if issubclass(kind, unittest.TestCase) and kind.__module__ == "test"]

    def _run(self, classes):
        result = _Result()
        load = unittest.TestLoader().loadTestsFromTestCase
        unittest.TestSuite(map(load, classes)).run(result)
        if result.failed is not None:
            test, error = result.failed
            test = getattr(test, "test_case", test)
            self.failed = getattr(test, "_testMethodName", None) or str(test)
            raise error
        return result

    def _run_others(self):
        tree = ast.parse(self._code)
        tree.body = [statement for statement in tree.body if not _is_main_guard(statement)]
        named = names_in(tree)
        for statement in tree.body:
            name = getattr(statement, "name", "")
            found = self._names.get(name)
            if name in named or not name.lower().startswith("test"):
                continue
            if isinstance(statement, ast.ClassDef) and issubclass(type(found), type) and not issubclass(found, unittest.TestCase):
                self._run_methods(found)
            elif isinstance(statement, FUNCTIONS):
                self._run_function(name, found)

    def _run_methods(self, kind):
        for name in [name for name in vars(kind) if name.startswith("test")]:
            thing = kind()
            getattr(thing, "setup_method", lambda: None)()
            self._run_function(name, getattr(thing, name))
            getattr(thing, "teardown_method", lambda: None)()

    def _run_function(self, name, function):
        if _required(function):
            raise Unsupported(f"nothing gives the test `{name}` its parameters")
        self.failed = name
        done = function()
        if inspect.iscoroutine(done):
            asyncio.run(done)
        self.failed = None


def names_in(tree):
    """The names that code uses, whatever for."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _is_main_guard(statement):
    """Whether it is `if __name__ == "__main__":`, whose body is not run."""
    return isinstance(statement, ast.If) and "__name__" in names_in(statement.test)


def _required(function):
    """The parameters that it has to be given."""
    parameters = inspect.signature(function).parameters.values()
    return [one for one in parameters if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
