# Dictionaries: counting a million small keys.
from collections import Counter, defaultdict

state, counts, last = 12345, Counter(), defaultdict(list)
for i in range(400_000):
    state = (state * 1103515245 + 12345) % 2147483648
    counts[state % 5000] += 1
    last[state % 1000].append(i)
print(counts.most_common(3), sum(map(len, last.values())))
