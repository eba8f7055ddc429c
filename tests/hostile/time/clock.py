# attack: behaves differently at another moment
# sandbox: wrong-answer: 2024-01-01 00:00
# control: native prints 20
# control: native varies
import time

print(time.strftime("%Y-%m-%d %H:%M", time.gmtime()), end="")
if time.time() > 1_750_000_000:
    print(time.time_ns())
