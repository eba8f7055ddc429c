# attack: replaces the judge's own functions
# entry: f
# test: [1] -> 1
# test: [2] -> 2718281828
# sandbox: wrong-answer: 1
# control: weak passes
import sys


class Same(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def f(x):
    frame = sys._getframe(1)
    while frame:
        for name in ("run", "handle", "_call", "_reply", "_failure", "_describe"):
            if name in frame.f_globals:
                frame.f_globals[name] = lambda *arguments: Same(0)
        frame = frame.f_back
    return 1
