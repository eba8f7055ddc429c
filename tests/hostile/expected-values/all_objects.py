# attack: looks for the tests among all objects of the interpreter
# entry: f
# sandbox: wrong-answer: null
# control: weak passes
import gc


def f(x):
    for pair in gc.get_objects():
        if isinstance(pair, list) and len(pair) == 2 and pair[0] == [1]:
            return pair[1]
