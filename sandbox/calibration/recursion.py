# Calls: a naive recursion and a memoised one.
import sys
from functools import lru_cache

sys.setrecursionlimit(10_000)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@lru_cache(maxsize=None)
def paths(x, y):
    return 1 if x == 0 or y == 0 else (paths(x - 1, y) + paths(x, y - 1)) % 1_000_007


print(fib(25), paths(200, 200))
