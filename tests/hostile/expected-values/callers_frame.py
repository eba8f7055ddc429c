# attack: reads the expected answer from the frames of its callers
# entry: f
# sandbox: wrong-answer: null
# control: weak passes
import sys


def f(x):
    frame = sys._getframe()
    while frame:
        if "expected" in frame.f_locals:
            return frame.f_locals["expected"]
        frame = frame.f_back
