# A heap and lists of tuples: shortest paths over a hundred thousand edges.
import heapq

nodes, edges, state = 20_000, 100_000, 1
graph = [[] for _ in range(nodes)]
for _ in range(edges):
    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
    a, b, weight = (state >> 33) % nodes, (state >> 17) % nodes, (state >> 7) % 1000 + 1
    graph[a].append((b, weight))
    graph[b].append((a, weight))
distance = [10**18] * nodes
distance[0] = 0
queue = [(0, 0)]
while queue:
    far, node = heapq.heappop(queue)
    if far > distance[node]:
        continue
    for neighbour, weight in graph[node]:
        if far + weight < distance[neighbour]:
            distance[neighbour] = far + weight
            heapq.heappush(queue, (far + weight, neighbour))
print(sum(d for d in distance if d < 10**18))
