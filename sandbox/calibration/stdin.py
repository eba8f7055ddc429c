# Input and output: a hundred thousand lines each way.
import sys

count = int(input())
pairs = [tuple(map(int, line.split())) for line in sys.stdin]
for a, b in pairs:
    print(a + b)
