"""What a judge has besides in an interpreter whose programs may import packages: numpy, and what comes with it.

It is imported before the judge itself (judge.py). The judge was written for Python 3.14: what this interpreter's later version
lacks of it is put in first.

numpy's default integer is one of 64 bits already (lockfiles/numpy-image.lock). Here the names of types follow, and functions
that give places and counts, which numpy has in the size of an address.
"""

import functools
import gc
import importlib
import json
import operator
import pkgutil
import re
import sys
import types
import warnings

# Modules that Python 3.15 no longer has, and what they were.
for _name, _module in {"sre_compile": re._compiler, "sre_constants": re._constants, "sre_parse": re._parser}.items():
    sys.modules.setdefault(_name, _module)

import numpy

# Packages with all their modules, many of which are else imported when they are needed, and what of them is left out.
_PACKAGES = {
    "numpy": "tests f2py distutils conftest typing",
    "mpmath": "tests",
    "sympy": "tests benchmarks conftest plotting autolev latex c fortran galgebra interactive testing codegen rubi compatibility trace "
    "quantum mechanics vector continuum_mechanics control hep optics biomechanics",
    "networkx": "tests drawing conftest",
}


def _import_all(name, but):
    try:
        package = importlib.import_module(name)
    except Exception:
        # It needs something that is not there.
        return
    for _, part, _ in pkgutil.iter_modules(getattr(package, "__path__", [])):
        if part not in but and not part.startswith("__"):
            _import_all(f"{name}.{part}", but)


# What some of their modules use where it is there, and whose code was left out.
_ABSENT = dict.fromkeys("scipy pandas matplotlib sklearn statsmodels PIL lxml regex seaborn".split())
sys.modules.update(_ABSENT)
with warnings.catch_warnings(action="ignore"):
    for _name, _but in _PACKAGES.items():
        _import_all(_name, frozenset(_but.split()))
for _name in _ABSENT:
    del sys.modules[_name]

_WIDE = {numpy.dtype("l").type: numpy.int64, numpy.dtype("L").type: numpy.uint64}
_NAMES = frozenset("int_ intp uint uintp".split())


def _widened(result):
    """The same with places and counts of 64 bits."""
    if type(result) is tuple:
        return tuple(map(_widened, result))
    wide = _WIDE.get(result.dtype.type) if isinstance(result, (numpy.ndarray, numpy.generic)) else None
    return result if wide is None else result.astype(wide)


def _widening(function):
    """The function with a result of 64 bits, unless it is told where to put it."""

    @functools.wraps(function)
    def widened(*arguments, **named):
        result = function(*arguments, **named)
        return result if named.get("out") is not None else _widened(result)

    return widened


def _widen_types():
    """Names of types that have the size of an address elsewhere, wherever numpy has them."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "numpy" and isinstance(module, types.ModuleType):
            for name, value in list(vars(module).items()):
                if name in _NAMES and isinstance(value, type) and value in _WIDE:
                    setattr(module, name, _WIDE[value])
    for name in ("int", *_NAMES):
        numpy._core.numerictypes.sctypeDict[name] = numpy.uint64 if name.startswith("u") else numpy.int64
    # Types that need not be told when an array is written.
    implied = numpy._core.arrayprint._typelessdata
    implied[:] = [_WIDE.get(kind, kind) for kind in implied]


def _replace_methods(kind, methods):
    """Methods of a type of C can only be replaced behind its back."""
    names = gc.get_referents(vars(kind))[0]
    for name, replaced in methods.items():
        names[name] = replaced(names[name])


def _drawing(function):
    """`randint`, whose numbers have 64 bits unless other ones are asked for."""

    @functools.wraps(function)
    def randint(self, low, high=None, size=None, dtype=int):
        result = function(self, low, high, size, numpy.int64 if dtype is int else dtype)
        return int(result) if dtype is int and size is None and not numpy.ndim(result) else result

    return randint


def _widen_functions():
    for name in "where bincount lexsort ravel_multi_index unravel_index".split():
        widened = _widening(getattr(numpy, name))
        for module in (numpy, numpy._core.multiarray, numpy._core.numeric):
            if hasattr(module, name):
                setattr(module, name, widened)
    places = "argmax argmin argpartition argsort nonzero searchsorted".split()
    _replace_methods(numpy.ndarray, dict.fromkeys(places, _widening))
    counts = "binomial geometric hypergeometric logseries multinomial negative_binomial permutation poisson zipf".split()
    drawn = dict.fromkeys(counts, _widening) | {"randint": _drawing}
    _replace_methods(numpy.random.RandomState, drawn)
    sys._clear_internal_caches()
    for name in drawn:
        setattr(numpy.random, name, getattr(numpy.random.mtrand._rand, name))


def _travel():
    """numpy's numbers are what tests compare them with, in the judge's messages too, and hash as plain ones do."""
    # Not before the judge has imported them, in its order.
    values, wide = sys.modules["_assay_values"], sys.modules["_assay_wide"]
    values.BASES.update({numpy.integer: operator.index, numpy.bool_: bool, numpy.floating: float})
    kinds = [kind for kind in vars(numpy).values() if isinstance(kind, type) and issubclass(kind, numpy.integer)]
    wide._HASHES.update(dict.fromkeys(kinds, lambda value: wide.hash64(int(value))))


class _Json:
    """JSON with numpy's numbers, for what functions return."""

    loads = staticmethod(json.loads)

    @staticmethod
    def dumps(value):
        return json.dumps(value, default=_plain)


def _plain(value):
    if isinstance(value, (numpy.integer, numpy.bool_, numpy.floating)):
        return value.item()
    raise TypeError("no JSON")


def finish(judge):
    """Gives the judge what it needs to know of packages."""
    _travel()
    judge["_json"] = _Json


_widen_types()
_widen_functions()
