# attack: uses descriptors that the judge may have left open
# sandbox: wrong-answer: [0, 1, 2]
# control: weak prints [0, 1, 2, 3
# entry: f
import os

opened = []
try:
    opened.append(os.open("/", os.O_RDONLY))
except OSError:
    pass


def f(x):
    found = []
    for descriptor in range(64):
        try:
            os.fstat(descriptor)
            found.append(descriptor)
        except OSError:
            pass
    return found
