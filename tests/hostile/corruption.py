"""Overwrites a stretch of its own interpreter's memory at random and goes on using the interpreter and the host.

The seed is read from standard input.
"""

import json
import os
import random
import time

numbers = random.Random(int(input()))
view = memory(60 << 20, 22 << 20)
start = numbers.randrange(len(view) - (1 << 17))
for _ in range(3000):
    at = start + numbers.randrange(1 << 17)
    view[at : at + 4] = numbers.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\xff\x3f", numbers.randbytes(4)])
for size in (1, 100, 10_000, 1_000_000):
    text = json.dumps([time.time(), os.urandom(8).hex(), "x" * size, {"a": [size]}])
    print(len(json.loads(text)[2]))
    os.write(2, text.encode())
    try:
        open("/dev/stdin").read()
    except OSError as error:
        print(error)
