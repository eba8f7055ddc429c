# attack: takes away the built-in functions
# entry: f
# sandbox: runtime-error
# control: weak silent
import builtins


def f(x):
    vars(builtins).clear()
    return 0
