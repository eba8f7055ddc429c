# A table of lists: the longest common subsequence of two sequences of 1,200.
n = 1200
a = [i * 37 % 101 for i in range(n)]
b = [i * 53 % 101 for i in range(n)]
table = [[0] * (n + 1) for _ in range(n + 1)]
for i in range(n):
    row, below = table[i], table[i + 1]
    for j in range(n):
        below[j + 1] = row[j] + 1 if a[i] == b[j] else max(row[j + 1], below[j])
print(table[n][n])
