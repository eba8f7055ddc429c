//! Numbers that programs print: functions of `libm` to the last digit, sums, and searches in memory.

use crate::common::write;

/// Lines `function arguments.. value`, printed by CPython 3.11 with glibc 2.36; forty of each function, at random.
const OF_GLIBC: &str = include_str!("libm.txt");

#[test]
fn functions_have_the_digits_of_glibc() {
    let source = "
import math, sys
for line in sys.stdin:
    name, *numbers = line.split()
    print(*line.split()[:-1], getattr(math, name)(*map(float, numbers[:-1])))
";
    write(&[(source, OF_GLIBC, OF_GLIBC)]);
}

#[test]
fn functions_keep_to_what_they_are_defined_for() {
    let source = "
import math, cmath
inf, nan = math.inf, math.nan
def tried(name, *numbers):
    try: return getattr(math, name)(*numbers)
    except ValueError as error: return 'error'
print(tried('sin', -0.0), tried('sin', inf), tried('sin', nan), tried('tan', 1e22), tried('cos', 5e-324))
print(tried('asin', 2), tried('acos', 1), tried('atan', -inf), tried('atan2', -0.0, -1), tried('atan2', inf, -inf))
print(tried('log10', 0), tried('log10', -1), tried('log10', inf), tried('log10', 1e-310), tried('log10', 10**400), tried('log10', nan))
print(tried('tanh', 50), tried('tanh', -0.0), tried('tanh', 1e-20), tried('tanh', nan), tried('hypot', inf, nan), abs(3e300 + 4e300j))
print([n for n in range(-300, 301) if math.log10(float(f'1e{n}')) != n], math.sqrt(2) ** 2, cmath.exp(1j * math.pi))
";
    let expected = "\
-0.0 error nan -1.6287782256068988 1.0
error 0.0 -1.5707963267948966 -3.141592653589793 2.356194490192345
error error inf -310.0 400.0 nan
1.0 -0.0 1e-20 nan inf 5e+300
[] 2.0000000000000004 (-1+1.2246467991473532e-16j)
";
    write(&[(source, "", expected)]);
}

#[test]
fn sums_are_those_of_plus_one_after_the_other() {
    let source = "
import random
random.seed(7)
def one(kinds):
    return random.choice([random.randrange(-9, 9), random.randrange(-2**31, 2**31), random.randrange(-2**64, 2**64), 2**random.randrange(70),
        -2**random.randrange(70), random.random() < .5, random.uniform(-1, 1), 10.0**random.randrange(-20, 20), 2j][:kinds])
for kinds in (1, 2, 3, 5, 6, 7, 8, 9):
    for _ in range(300):
        numbers = [one(kinds) for _ in range(random.randrange(9))]
        start = one(kinds)
        total, begun = 0, start
        for number in numbers:
            total, begun = total + number, begun + number
        assert repr(sum(numbers)) == repr(sum(iter(numbers))) == repr(sum(tuple(numbers))) == repr(total), numbers
        assert repr(sum(numbers, start)) == repr(sum(numbers, start=start)) == repr(begun), (numbers, start)
print(sum([0.1] * 10), sum([2**61] * 5), sum([-2**59] * 40), sum([[1], [2]], []), sum([], True), sum({3: 4}), sum(range(10**6)), sum([], None))
print(sum, sum.__name__, sum.__module__, sum([1e308, 1e308]), sum([float('nan'), 1]), sum(x == 1 for x in [1, 1.0, 2, True]))
";
    let expected = "\
0.9999999999999999 11529215046068469760 -23058430092136939520 [1, 2] True 3 499999500000 None
<built-in function sum> sum builtins inf nan 3
";
    write(&[(source, "", expected)]);
}

#[test]
fn sums_fail_as_elsewhere_and_keep_no_object() {
    let source = "
import sys
class Money:
    def __init__(self, value): self.value = value
    def __radd__(self, other): return Money(other + self.value)
    def __add__(self, other): return Money(self.value + other.value)
def broken():
    yield 1
    raise KeyError('k')
class Sum(int): pass
print(sum([Money(1), Money(2)]).value, type(sum([Sum(3)])).__name__, sum([Sum(3), 4]))
for arguments in [(), ([1], 2, 3), ('ab',), (['a'], 'x'), ([b'a'], b''), (5,), ([None],), (broken(),), ([1], [])]:
    try: print(sum(*arguments))
    except Exception as error: print(type(error).__name__, error)
try: sum([1], begin=2)
except TypeError: print('no such argument')
numbers, floats = [10**9 + 7] * 50, [0.5 + len(sys.argv)] * 50
before = [sys.getrefcount(numbers[0]), sys.getrefcount(floats[0])]
for _ in range(100):
    for held in (numbers, floats, numbers + floats, iter(numbers), tuple(floats)):
        sum(held)
        try: sum(held, 'x')
        except TypeError: pass
del held
print(before == [sys.getrefcount(numbers[0]), sys.getrefcount(floats[0])])
";
    let expected = "\
3 int 7
TypeError sum() takes at least 1 positional argument (0 given)
TypeError sum() takes at most 2 arguments (3 given)
TypeError unsupported operand type(s) for +: 'int' and 'str'
TypeError sum() can't sum strings [use ''.join(seq) instead]
TypeError sum() can't sum bytes [use b''.join(seq) instead]
TypeError 'int' object is not iterable
TypeError unsupported operand type(s) for +: 'int' and 'NoneType'
KeyError 'k'
TypeError can only concatenate list (not \"int\") to list
no such argument
True
";
    write(&[(source, "", expected)]);
}

/// Each place of a text's end against blocks of 16 and 64 bytes, and each of what is looked for in it.
#[test]
fn searches_look_at_every_byte_and_at_none_beside() {
    let source = "
import random
random.seed(1)
for size in [*range(0, 200), 255, 256, 257, 1000]:
    for _ in range(8):
        before, behind = random.randrange(70), random.randrange(70)
        text = bytearray(b'a' * size)
        for _ in range(random.randrange(3) if size else 0):
            text[random.randrange(size)] = 98
        whole = bytes(b'b' * before + text + b'b' * behind)
        places = [place for place in range(before, before + size) if whole[place] == 98]
        for held, wanted in ((whole, b'b'), (whole.decode(), 'b'), (whole.decode().replace('a', '\\u0444'), 'b')):
            assert held.find(wanted, before, before + size) == (places[0] if places else -1)
            assert held.rfind(wanted, before, before + size) == (places[-1] if places else -1)
            assert (wanted in held[before:before + size]) == bool(places)
            assert held.count(wanted, before, before + size) == len(places)
        other = bytes(b'b' * before + b'a' * size)[before:]
        assert (bytes(text) == other) == (not places) and (bytes(text) > other) == bool(places)
print('done')
";
    write(&[(source, "", "done\n")]);
}
