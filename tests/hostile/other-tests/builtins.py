# attack: counts tests in the interpreter's built-in names
# entry: f
# test: [0] -> 1
# test: [0] -> 2
# test: [0] -> 3
# sandbox: wrong-answer: 1
# control: weak passes
import builtins


def f(x):
    builtins.count = getattr(builtins, "count", 0) + 1
    return builtins.count
