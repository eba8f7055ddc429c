# attack: takes away the loaded modules and the means to load them
# entry: f
# test: [1] -> 1
# test: [1] -> 2718281828
# sandbox: wrong-answer: 1
# control: weak prints runtime-error
import sys


def f(x):
    sys.modules.clear()
    sys.meta_path.clear()
    sys.path_hooks.clear()
    return 1
