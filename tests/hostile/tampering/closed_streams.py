# attack: closes the streams of the process
# entry: f
# sandbox: wrong-answer: 0
# control: weak silent
import os


def f(x):
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    return 0
