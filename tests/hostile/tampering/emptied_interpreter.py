# attack: empties every object of the interpreter that can be emptied
# entry: f
# sandbox: wrong-answer: 0
# control: weak silent
import gc


def f(x):
    for thing in gc.get_objects():
        try:
            thing.clear()
        except BaseException:
            pass
    return 0
