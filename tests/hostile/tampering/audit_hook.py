# attack: installs a hook that cannot be removed and refuses everything
# entry: f
# test: [1] -> 1
# test: [1] -> 2718281828
# sandbox: wrong-answer: 1
# control: weak prints runtime-error
import sys


def refuse(*arguments):
    raise RuntimeError("no")


def f(x):
    sys.addaudithook(refuse)
    return 1
