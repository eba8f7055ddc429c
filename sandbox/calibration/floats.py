# Numbers with a point: sums, roots and angles, a matrix product.
import math

n = 90
a = [[math.sin(i * n + j) for j in range(n)] for i in range(n)]
b = [[1 / (1 + abs(i - j)) for j in range(n)] for i in range(n)]
columns = list(zip(*b))
product = [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]
length = 0.0
for i in range(300_000):
    length += math.sqrt(i) * 0.5 - math.hypot(i % 7, 2.0)
print(round(sum(map(sum, product)), 6), round(length, 3))
