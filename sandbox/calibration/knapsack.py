# One row of a table that is filled again and again: a knapsack, and counts modulo a prime.
capacity = 5_000
best = [0] * (capacity + 1)
ways = [1] + [0] * capacity
for i in range(120):
    weight, value = i * 37 % 97 + 3, i * 53 % 211 + 1
    for c in range(capacity, weight - 1, -1):
        taken = best[c - weight] + value
        if taken > best[c]:
            best[c] = taken
    if i < 60:
        for c in range(weight, capacity + 1):
            ways[c] = (ways[c] + ways[c - weight]) % 1_000_000_007
print(best[capacity], ways[capacity])
