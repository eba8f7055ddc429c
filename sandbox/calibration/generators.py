# Generators, comprehensions and itertools.
from itertools import accumulate, combinations, permutations, product


def numbers(n):
    for i in range(n):
        if i % 3:
            yield i


def chained(n):
    yield from numbers(n)
    yield from (x * x for x in numbers(n))


total = sum(x for x in chained(300_000) if x & 1)
pairs = sum(a ^ b for a, b in combinations(range(600), 2))
orders = sum(1 for p in permutations(range(8)) if p[0] < p[1])
print(total, pairs, orders, max(accumulate(product(range(40), range(40)), lambda s, p: (s * 31 + p[0] - p[1]) % 10007, initial=1)))
