# Integers of thousands of digits: products, powers, texts, bits.
import math

a, b = 3**4000, 7**3000
total = 0
for i in range(60):
    total ^= (a + i) * (b - i) % (a - b)
fibonacci, following = 0, 1
for _ in range(20_000):
    fibonacci, following = following, fibonacci + following
reachable = 1
for i in range(600):
    reachable |= reachable << (i * 37 % 500 + 1)
power = sum(pow(i, 10**9 + 5, 10**9 + 7) for i in range(1, 20_000))
print(total % 1_000_007, fibonacci % 1_000_007, reachable.bit_count(), power, len(str(math.factorial(1500))))
