# A grid of characters: a search in breadth, sets and queues of pairs.
from collections import deque

side = 350
grid = ["".join("#" if (x * 7 + y * 13 + x * y) % 11 == 0 else "." for x in range(side)) for y in range(side)]
seen, queue = {(0, 1)}, deque([(0, 1, 0)])
farthest = 0
while queue:
    y, x, steps = queue.popleft()
    farthest = max(farthest, steps)
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        ny, nx = y + dy, x + dx
        if 0 <= ny < side and 0 <= nx < side and grid[ny][nx] == "." and (ny, nx) not in seen:
            seen.add((ny, nx))
            queue.append((ny, nx, steps + 1))
print(len(seen), farthest)
