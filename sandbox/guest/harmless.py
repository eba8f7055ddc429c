"""What a program may ask of the things that a test gives it, so that it neither sees nor changes the test."""

import enum
import types
import unittest.mock

from _assay_remote import WITH_ANOTHER
from _assay_values import ATOMS, contents_of

# From these one comes to the frames and names of the test, which are no business of the program's.
_CLOSED = (types.ModuleType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.FrameType, types.TracebackType, types.CodeType)
# What a mock is told and asked by the test: a program that could say it too would say what it is compared with, or hear it.
_OF_MOCKS = frozenset(name for name in dir(unittest.mock.MagicMock()) if not name.startswith("__"))


def expect_harmless(operation, target, arguments, is_given):
    """Raises if a program asks for what would let it see or change the test, not only what the test gave it.

    `is_given` says whether the test gave a thing.
    """
    if not is_given(target):
        is_reflected = operation in WITH_ANOTHER and type(target) in (bool, int, float, complex)
        if not is_reflected or not any(map(is_given, arguments)):
            raise TypeError("an operation on what is not the test's")
    if operation not in ("getattr", "setattr", "delattr"):
        return
    name = str(arguments[0])
    if _is_of_mocks(target):
        is_hidden = name in _OF_MOCKS or name.startswith("_")
        # What a program puts into a mock is not to answer the test's questions.
        if is_hidden or operation == "delattr" or (operation == "setattr" and not _is_plain(arguments[1])):
            raise AttributeError(name)
    if operation != "getattr" and callable(getattr(type(target), name, None)):
        raise AttributeError(name)
    if isinstance(target, enum.Enum) and name.startswith("_"):
        raise AttributeError(name)
    is_closed = isinstance(target, _CLOSED) and name not in ("send", "throw", "close")
    is_inner = name.startswith("__") and name not in ("__name__", "__doc__")
    if is_closed or is_inner or (operation != "getattr" and isinstance(target, type)):
        raise AttributeError(name)


def _is_plain(value):
    """Whether a value consists of numbers and texts alone."""
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_is_plain, value))
    return all(map(_is_plain, contents_of(value))) if type(value) is dict else type(value) in (*ATOMS, bytes)


def _is_of_mocks(thing):
    kind = thing if isinstance(thing, type) else type(thing)
    return issubclass(kind, unittest.mock.NonCallableMock)
