# Slices of a bytearray: a sieve up to three million.
limit = 3_000_000
prime = bytearray([1]) * (limit + 1)
prime[0] = prime[1] = 0
for p in range(2, int(limit**0.5) + 1):
    if prime[p]:
        prime[p * p :: p] = bytes(len(range(p * p, limit + 1, p)))
print(sum(i for i in range(limit + 1) if prime[i]))
