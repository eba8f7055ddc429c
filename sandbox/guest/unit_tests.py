"""Unit tests of a test that is Python: classes of `unittest`, and functions whose names begin with `test`."""

import ast
import asyncio
import inspect
import unittest


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
        self._has_run = False
        # The unit test that has failed.
        self.failed = None
        self._watch()

    def _watch(self):
        """A test may run its classes itself, which is then not done again."""
        run_suite = unittest.TestSuite.run

        def run(suite, *arguments, **named):
            self._has_run = True
            return run_suite(suite, *arguments, **named)

        unittest.TestSuite.run = run
        unittest.main = self._main

    def _main(self, *_, **__):
        """`unittest.main`: ends the test if it fails, else the test goes on."""
        self._run(self._classes())

    def run_rest(self):
        """Runs what the test has left to whoever runs it: its classes, unless it has run any itself, and the functions that it does
        not name.

        Raises the first failure.
        """
        classes = self._classes()
        if classes and not self._has_run:
            self._run(classes)
        self._run_functions()

    def _classes(self):
        return [kind for kind in list(self._names.values()) if isinstance(kind, type) and issubclass(kind, unittest.TestCase) and kind.__module__ == "test"]

    def _run(self, classes):
        result = _Result()
        load = unittest.TestLoader().loadTestsFromTestCase
        unittest.TestSuite(map(load, classes)).run(result)
        if result.failed is not None:
            test, error = result.failed
            self.failed = getattr(test, "_testMethodName", None) or str(test)
            raise error

    def _run_functions(self):
        tree = ast.parse(self._code)
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for name in dict.fromkeys(defined):
            function = self._names.get(name)
            if name.startswith("test") and name not in named and inspect.isfunction(function) and not _required(function):
                self.failed = name
                done = function()
                if inspect.iscoroutine(done):
                    asyncio.run(done)
                self.failed = None


def _required(function):
    """The parameters that it has to be given."""
    parameters = inspect.signature(function).parameters.values()
    return [one for one in parameters if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
