# Sets as the bits of long numbers.
def main():
    reachable = 1
    for weight in range(1, 500):
        reachable |= reachable << weight
    answer = reachable.bit_count()
    mask = (1 << 50_000) - 1
    state = mask // 3
    for step in range(1500):
        state = (state << 7 ^ state >> step % 97) & mask
        answer += state >> step & 1
        answer += state.bit_length()
    print(answer, hex(state % (1 << 64)))


main()
