# Lists that are made, filled, cut, joined, turned round and shifted.
def main():
    answer = 0
    for round in range(60):
        values = [round] * 50_000
        values += [0] * 50_000
        values[:20_000] = range(20_000)
        values.reverse()
        values.extend(values[1000:40_000])
        answer += len(values) + values[round] + sum(values[::7])
    front = []
    for i in range(20_000):
        front.insert(0, i)
    while len(front) > 100:
        del front[len(front) // 2]
    for i in range(100_000):
        front.append(i)
        answer += front.pop(0)
    print(answer, values == values[:], len(front))


main()
