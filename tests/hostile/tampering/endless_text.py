# attack: raises an exception whose text takes for ever, when the program seems to be done
# entry: f
# sandbox: time-limit
# control: weak dies SIGPROF
class Evasive(Exception):
    def __str__(self):
        while True:
            pass

    __repr__ = __str__


def f(x):
    raise Evasive
