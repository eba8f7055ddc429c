# attack: keeps the judge busy after its verdict
# entry: f
# sandbox: wrong-answer: 0
# control: weak dies SIGPROF
import builtins


class Endless:
    def __del__(self):
        while True:
            pass


def f(x):
    builtins.kept = Endless()
    return 0
