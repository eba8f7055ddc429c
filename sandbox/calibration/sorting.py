# Sorting: numbers, tuples, with a key, and searching in what is sorted.
from bisect import bisect_left

numbers = [(i * 7919 + 13) % 1_000_003 for i in range(200_000)]
pairs = sorted((x % 1000, -x) for x in numbers[:100_000])
by_key = sorted(numbers, key=lambda x: (x & 255, x))
numbers.sort()
places = sum(bisect_left(numbers, x) for x in range(0, 1_000_000, 10))
print(pairs[7], by_key[9], places)
