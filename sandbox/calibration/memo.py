# Functions that remember, tuples as keys, and sets of them.
from collections import defaultdict
from functools import lru_cache


@lru_cache(maxsize=None)
def paths(row, column):
    if row == 0 or column == 0:
        return 1
    return (paths(row - 1, column) + paths(row, column - 1)) % 1_000_000_007


def main():
    for edge in range(0, 400, 50):
        answer = paths(edge, edge)
    places = defaultdict(list)
    for i in range(150_000):
        places[i * 7919 % 1009, i % 31].append(i)
    seen = set()
    for i in range(150_000):
        seen.add((i % 701, i * 31 % 307))
    print(answer, len(places), len(seen), sum(map(len, places.values())))


main()
