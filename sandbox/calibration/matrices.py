# Matrices as lists of lists: products, turns, the shortest paths between all pairs.
def main():
    size = 70
    left = [[(i * j + 7) % 10 for j in range(size)] for i in range(size)]
    for _ in range(3):
        columns = list(zip(*left))
        left = [[sum(x * y for x, y in zip(row, column)) % 1009 for column in columns] for row in left]
        left = [list(row) for row in zip(*left[::-1])]
    distance = [row[:] for row in left]
    for middle in range(size):
        through = distance[middle]
        for row in distance:
            first = row[middle]
            for j in range(size):
                if first + through[j] < row[j]:
                    row[j] = first + through[j]
    print(sum(map(sum, left)), sum(map(sum, distance)))


main()
