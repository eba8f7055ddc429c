# Plain loops over small integers, four million rounds.
def main():
    total = 0
    for i in range(4_000_000):
        total = (total + i * 7) ^ (i & 15)
    print(total)


main()
