# Heaps, bisection, queues with two ends and sorted records.
from bisect import bisect_left, insort
from collections import deque, namedtuple
from heapq import heapify, heappop, heappush

Record = namedtuple("Record", "score name")


def main():
    heap = [(i * 7919 % 100_003, i) for i in range(40_000)]
    heapify(heap)
    answer = 0
    for i in range(40_000):
        score, name = heappop(heap)
        answer ^= score * name
        heappush(heap, (score + i % 1000, name))
    ordered = []
    for i in range(20_000):
        insort(ordered, i * 7919 % 100_003)
        answer += bisect_left(ordered, i)
    window = deque()
    for i in range(200_000):
        while window and window[-1] < i * 7919 % 100_003:
            window.pop()
        window.append(i * 7919 % 100_003)
        if len(window) > 50:
            window.popleft()
    records = sorted((Record(i % 1003, str(i)) for i in range(40_000)), key=lambda record: (-record.score, record.name))
    print(answer, len(window), records[0].name, records[-1].name)


main()
