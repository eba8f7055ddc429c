# Sums, extremes, counts and tests over lists of numbers.
def main():
    values = [(i * 7919 + 13) % 1_000_003 for i in range(100_000)]
    answer = 0
    for round in range(12):
        answer += sum(values) + max(values) - min(values)
        answer += values.count(round) + (round in values)
        answer += sum(value * value for value in values)
        answer += sum(map(abs, values)) + sum(value % 3 == 0 for value in values)
    print(answer)


main()
