# Digits of numbers, by arithmetic and by their texts; powers to a modulus, divisors.
from math import gcd, isqrt


def main():
    answer = 0
    for number in range(1, 60_000):
        rest = number * 7919
        while rest:
            rest, digit = divmod(rest, 10)
            answer += digit
        answer += sum(map(int, str(number))) + bin(number).count("1") + int(str(number)[::-1])
        answer += pow(number, 65_537, 998_244_353) + gcd(number, 720_720) + isqrt(number)
    print(answer)


main()
