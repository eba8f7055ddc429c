# attack: measures how fast the machine is
# sandbox: wrong-answer: 0.000284
# control: native varies
import time

start = time.perf_counter()
for _ in range(10_000):
    pass
print(round(time.perf_counter() - start, 6))
