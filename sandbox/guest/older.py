"""What programs that were written for Python 3.11 find in its library and later versions no longer have."""

import ast
import calendar
import collections
import copyreg
import itertools
import operator
import random
import re
import reprlib
import typing


class OrderedDict(collections.OrderedDict):
    """Its text is a list of pairs, not a dictionary."""

    @reprlib.recursive_repr()
    def __repr__(self):
        return f"{type(self).__name__}({[*self.items()] if self else ''})"


OrderedDict.__module__ = "collections"
# Before anything else keeps the class: see judge.py.
collections.OrderedDict = OrderedDict
typing.OrderedDict = typing._alias(OrderedDict, 2)


class _Constant(type):
    """A class of nodes that became one: `isinstance` tells them apart by what they hold."""

    def __instancecheck__(cls, node):
        return isinstance(node, ast.Constant) and isinstance(node.value, cls.holds) and (cls.holds is _NAMED or not isinstance(node.value, bool))

    def __call__(cls, *arguments, **named):
        value = next(iter((*arguments, *named.values())), ...)
        return ast.Constant(value)


_NAMED = (bool, type(None))


def _of_nodes():
    for name, holds in {"Num": (int, float, complex), "Str": (str,), "Bytes": (bytes,), "NameConstant": _NAMED, "Ellipsis": (type(...),)}.items():
        if not hasattr(ast, name):
            setattr(ast, name, _Constant(name, (), {"holds": holds, "__module__": "ast"}))
    for name in ("n", "s"):
        if not hasattr(ast.Constant, name):
            setattr(ast.Constant, name, property(operator.attrgetter("value"), lambda node, value: setattr(node, "value", value)))


def _of_random():
    """Whole numbers of a floating-point type are numbers to choose from."""

    def whole(number):
        return int(number) if type(number) is float and number.is_integer() else number

    def forgiving(choose):
        def chosen(*numbers, **named):
            try:
                return choose(*numbers, **named)
            except TypeError:
                return choose(*map(whole, numbers), **named)

        return chosen

    random.randrange, random.randint = forgiving(random.randrange), forgiving(random.randint)


def _of_itertools():
    """A counter can be copied. Its text holds its state."""
    copyreg.pickle(itertools.count, lambda counter: (itertools.count, tuple(ast.literal_eval(f"({repr(counter)[6:-1]},)"))))


def _of_calendar():
    """Days and months are numbers."""
    weekday = calendar.weekday
    calendar.weekday = lambda year, month, day: int(weekday(year, month, day))
    calendar.January, calendar.February = 1, 2
    for number, name in enumerate("MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY".split()):
        setattr(calendar, name, number)


def _of_regular_expressions():
    """The name of their exception."""
    re.error.__name__ = re.error.__qualname__ = "error"


def restore():
    _of_calendar()
    _of_nodes()
    _of_random()
    _of_itertools()
    _of_regular_expressions()
