# attack: traces the judge and changes its variables when it gets back to work
# entry: f
# sandbox: wrong-answer: 0
# control: weak passes
import sys


def tamper(frame, event, argument):
    names = frame.f_locals
    for name, value in (("verdict", "pass"), ("kind", b"+"), ("most", 0)):
        if name in names:
            names[name] = value
    return tamper


def f(x):
    sys.settrace(tamper)
    frame = sys._getframe(1)
    while frame:
        frame.f_trace = tamper
        frame = frame.f_back
    return 0
