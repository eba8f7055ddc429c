"""Sizes of 64 bits in an interpreter of 32.

The interpreter's C code counts in 32 bits, so that `len(range(10**12))`, `deque(maxlen=sys.maxsize)` or `array('l', [2**40])`
fail here and nowhere else. A program that ends in such a failure is run again from its start, after `widen` has put Python's own
code in the place of those functions, and with its operators and methods rewritten to the ones below (see rewrite.py). A size is
then computed, or cut to the largest one where it only means that there is no limit.

`hash` has 64 bits always: see `hash64`.
"""

import array
import bisect
import builtins
import collections
import csv
import functools
import hashlib
import importlib.util
import io
import itertools
import math
import os
import random
import re
import struct
import sys
import types
from decimal import Decimal
from fractions import Fraction

import _assay_values as _values

_LARGEST = 2**31 - 1
_LARGEST_ELSEWHERE = 2**63 - 1
# The texts of errors that only an interpreter of 32 bits raises, if the number is one of 64.
_TOO_LARGE = re.compile(
    r"too large to convert to C (unsigned )?(long|ssize_t|size_t)\b|cannot fit '\w+' into an index-sized integer|"
    r"for islice\(\) must be|'[lLnNP]' format requires|range\(\) result has too many items"
)
_SEES_FORMATS = re.compile(rb"\b(import|from)\s+struct\b|\bimport\b.*\bstruct\b|\.cast\(")
# A text that can be a struct format or an array's type with sizes that differ.
_LONG_FORMAT = re.compile(rb"""(['"])@?[0-9xcbBhHiIlLqQnNefdsp?P]*[lLnNP][0-9xcbBhHiIlLqQnNefdsp?P]*\1""")


def is_too_narrow(error):
    """Whether it is raised because sizes have 32 bits. `IndexError` is raised elsewhere too."""
    if type(error) not in (OverflowError, ValueError, struct.error):
        return False
    text = str(error)
    return len(text) < 200 and bool(_TOO_LARGE.search(text))


def has_long_format(source):
    """Whether a program may see how many bytes a C `long` has, without an error."""
    return bool(_SEES_FORMATS.search(source)) and bool(_LONG_FORMAT.search(source))


def clamped(size):
    """A size that means the same as this one to whoever has no more than the largest."""
    return max(-_LARGEST, min(size, _LARGEST)) if type(size) is int else size


# ---- hashes ----

_MODULUS = 2**61 - 1
_MASK = 2**64 - 1


def _signed(number):
    number &= _MASK
    number = number - 2**64 if number >> 63 else number
    return -2 if number == -1 else number


def _hash_of_number(numerator, denominator):
    if denominator % _MODULUS == 0:
        return 314159 if numerator > 0 else -314159
    number = abs(numerator) % _MODULUS * pow(denominator, -1, _MODULUS) % _MODULUS
    number = number if numerator >= 0 else -number
    return -2 if number == -1 else number


def _hash_of_float(value):
    if math.isinf(value):
        return 314159 if value > 0 else -314159
    return _hash(value) if math.isnan(value) else _hash_of_number(*value.as_integer_ratio())


def _hash_of_text(text):
    if not text:
        return 0
    data = text if type(text) is bytes else text.encode("utf-8", "surrogatepass")
    return _signed(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little"))


def _hash_of_tuple(items):
    """CPython's, which is xxHash's."""
    hashed = 2870177450012600261
    for item in items:
        hashed = (hashed + hash64(item) * 14029467366897019727) & _MASK
        hashed = ((hashed << 31 | hashed >> 33) * 11400714785074694791) & _MASK
    hashed = (hashed + (len(items) ^ 2870177450012600261 ^ 3527539)) & _MASK
    return 1546275796 if hashed == _MASK else _signed(hashed)


def _hash_of_set(items):
    """CPython's: the order does not matter."""
    hashed = 0
    for item in items:
        each = hash64(item) & _MASK
        hashed ^= ((each ^ 89869747) ^ (each << 16)) * 3644798167 & _MASK
    hashed ^= (len(items) + 1) * 1927868237 & _MASK
    hashed ^= (hashed >> 11) ^ (hashed >> 25)
    hashed = (hashed * 69069 + 907133923) & _MASK
    return 590923713 if hashed == _MASK else _signed(hashed)


def _state_of_range(value):
    """What two ranges have in common if they are equal."""
    size = _wide_len(value)
    return (size, value.start if size else None, value.step if size > 1 else None)


_hash = builtins.hash
_HASHES = {
    int: lambda value: _hash_of_number(value, 1),
    bool: int,
    float: _hash_of_float,
    str: _hash_of_text,
    bytes: _hash_of_text,
    tuple: _hash_of_tuple,
    frozenset: _hash_of_set,
    complex: lambda value: _signed(_hash_of_float(value.real) + 1000003 * _hash_of_float(value.imag)),
    range: lambda value: _hash_of_tuple(_state_of_range(value)),
    type(None): lambda value: 0xFCA86420,
    Fraction: lambda value: _hash_of_number(value.numerator, value.denominator),
    Decimal: lambda value: _hash_of_number(*value.as_integer_ratio()) if value.is_finite() else _hash_of_float(float(value)),
}


def hash64(thing, /):
    """`hash` as it is with 64 bits: the same number for numbers, tuples and sets of them."""
    compute = _HASHES.get(type(thing))
    if compute is not None:
        return compute(thing)
    own = type(thing).__hash__
    if type(own) is not types.FunctionType:
        # A kind of a plain type that hashes as that does.
        compute = next((_HASHES[base] for base in type(thing).__mro__ if base in _HASHES and base.__hash__ is own), _hash)
        return compute(thing)
    hashed = own(thing)
    if not isinstance(hashed, int):
        raise TypeError("__hash__ method should return an integer")
    return hashed if -(2**63) <= hashed < 2**63 and hashed != -1 else _hash_of_number(hashed, 1)


# ---- what stands in the place of C code ----

_len = builtins.len


def _wide_len(thing, /):
    try:
        return _len(thing)
    except OverflowError:
        if type(thing) is range:
            size = (thing.stop - thing.start + thing.step - (1 if thing.step > 0 else -1)) // thing.step
        else:
            size = type(thing).__len__(thing)
        if not 0 <= size <= _LARGEST_ELSEWHERE:
            raise
        return size


class _Islice(itertools.islice):
    def __new__(cls, iterable, *bounds):
        return super().__new__(cls, iterable, *map(clamped, bounds))


class _Repeat(itertools.repeat):
    def __new__(cls, thing, *times, **named):
        return super().__new__(cls, thing, *map(clamped, times), **{name: clamped(value) for name, value in named.items()})


class _Deque(collections.deque):
    def __init__(self, iterable=(), maxlen=None):
        super().__init__(iterable, None if maxlen is not None and maxlen > _LARGEST else maxlen)

    def rotate(self, steps=1):
        super().rotate(steps if -_LARGEST <= steps <= _LARGEST else steps % max(1, len(self)))


_LONGS = {"l": "q", "L": "Q", "n": "q", "N": "Q", "P": "Q"}


class _Array(array.array):
    def __new__(cls, typecode, *values):
        return super().__new__(cls, {"l": "q", "L": "Q"}.get(typecode, typecode), *values)


def _or_all(size):
    """How much is to be read: all, if it is more than any size."""
    return -1 if type(size) is int and size > _LARGEST else size


class _Buffer(io.BufferedReader):
    def read(self, size=-1, /):
        return super().read(_or_all(size))

    def read1(self, size=-1, /):
        return super().read1(_or_all(size))

    def readline(self, size=-1, /):
        return super().readline(_or_all(size))


class _Text(io.TextIOWrapper):
    def read(self, size=-1, /):
        return super().read(_or_all(size))

    def readline(self, size=-1, /):
        return super().readline(_or_all(size))


def _native(format):
    """A format with this machine's sizes, as it is where a C `long` has 64 bits."""
    text = format.decode() if isinstance(format, bytes) else format
    return format if text[:1] in ("=", "<", ">", "!") else "".join(_LONGS.get(letter, letter) for letter in text)


class _Struct(struct.Struct):
    def __new__(cls, format):
        return super().__new__(cls, _native(format))

    def __init__(self, format):
        super().__init__(_native(format))


def _wide_struct(compute):
    return lambda format, /, *values, **named: compute(_native(format), *values, **named)


def _without_accelerator(name, accelerator):
    """The module as it is where its C code is missing."""
    found = sys.modules.pop(name), sys.modules.get(accelerator)
    sys.modules[accelerator] = None
    try:
        spec = importlib.util.find_spec(name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.modules[name], sys.modules[accelerator] = found
    return module


_field_size_limit = csv.field_size_limit


def _wide_field_size_limit(*limit):
    return _field_size_limit(*map(clamped, limit))


_BISECT = _without_accelerator("bisect", "_bisect")
_STAND_INS = [
    (builtins.len, _wide_len),
    (itertools.islice, _Islice),
    (itertools.repeat, _Repeat),
    (collections.deque, _Deque),
    (array.array, _Array),
    (struct.Struct, _Struct),
    (csv.field_size_limit, _wide_field_size_limit),
    *((getattr(bisect, name), getattr(_BISECT, name)) for name in "bisect bisect_left bisect_right insort insort_left insort_right".split()),
    *((getattr(struct, name), _wide_struct(getattr(struct, name))) for name in "calcsize pack pack_into unpack unpack_from iter_unpack".split()),
]
for _old, _new in _STAND_INS:
    if isinstance(_new, type):
        _new.__name__, _new.__qualname__, _new.__module__ = _old.__name__, _old.__qualname__, _old.__module__


def widen(prelude):
    """Puts the stand-ins wherever a module, or the names that a program finds imported, has what they stand for."""
    new = {id(old): stand_in for old, stand_in in _STAND_INS}
    for name, module in list(sys.modules.items()):
        if module is not None and name != __name__:
            _replace(vars(module), new)
    _replace(prelude, new)
    _values.MUTABLES[_Deque] = _values.MUTABLES[_Deque.__base__]
    wrapper = functools._lru_cache_wrapper
    functools._lru_cache_wrapper = lambda function, maxsize, *rest: wrapper(
        function, None if maxsize is not None and maxsize > _LARGEST else maxsize, *rest
    )
    old = sys.stdin
    if type(old) is io.TextIOWrapper:
        encoding, errors = old.encoding, old.errors
        sys.stdin = sys.__stdin__ = _Text(_Buffer(old.detach().detach()), encoding, errors)
        _replace(prelude, {id(old): sys.stdin})


def _replace(names, new):
    for name, value in list(names.items()):
        if id(value) in new:
            names[name] = new[id(value)]


# ---- what rewritten programs call ----


_SEQUENCES = (str, bytes, bytearray, list, tuple, _Deque)


def multiply(left, right):
    """`left * right`, where one of them may be a sequence."""
    try:
        return left * right
    except OverflowError:
        sequence, times = (right, left) if isinstance(left, int) else (left, right)
        if type(sequence) not in _SEQUENCES or not isinstance(times, int):
            raise
        if times < 0 or not len(sequence):
            return sequence * 0
        raise MemoryError from None


# Methods of built-in types that take a size, and which of their arguments it is.
SIZED_METHODS = {"split": 1, "rsplit": 1, "replace": 2, "insert": 0, "read": 0, "read1": 0, "readline": 0, "readlines": 0}
# The same by name.
_SIZE_NAMES = ("maxsplit", "count", "size", "hint")
_SIZED_TYPES = (str, bytes, bytearray, list, _Deque, io.StringIO, io.BytesIO, io.TextIOWrapper, io.BufferedReader)


def call_method(thing, name, /, *arguments, **named):
    """Calls one of the methods above, or `cast`."""
    if type(thing) in _SIZED_TYPES and name in SIZED_METHODS:
        at = SIZED_METHODS[name]
        arguments = [*arguments[:at], *map(clamped, arguments[at : at + 1]), *arguments[at + 1 :]]
        named = {key: clamped(argument) if key in _SIZE_NAMES else argument for key, argument in named.items()}
    elif type(thing) is memoryview and name == "cast":
        arguments = [*map(_native, arguments[:1]), *arguments[1:]]
        named = {key: _native(argument) if key == "format" else argument for key, argument in named.items()}
    return getattr(thing, name)(*arguments, **named)


_os_read = os.read
# More than this is only asked for by who wants all.
_LARGE = 1 << 26


def _read(fd, length, /):
    return _os_read(fd, length if length <= _LARGE else max(os.fstat(fd).st_size, 1 << 16))


os.read = _read


def _seed(self, a=None, version=2):
    _seed_of_random(self, hash64(a) & _MASK if isinstance(a, float) else a, version)


# A float is a seed by its hash.
_seed_of_random, random.Random.seed = random.Random.seed, _seed
random.seed = random._inst.seed
