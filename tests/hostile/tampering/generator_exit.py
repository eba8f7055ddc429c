# attack: raises from generators that are closed while the program ends
# entry: f
# sandbox: wrong-answer: 0
# control: weak prints Exception ignored
import sys


def stubborn():
    try:
        yield
    finally:
        raise SystemExit(0)


def f(x):
    started = stubborn()
    next(started)
    del started
    return 0
