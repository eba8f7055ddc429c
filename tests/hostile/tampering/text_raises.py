# attack: raises an exception whose text cannot be had
# entry: f
# sandbox: runtime-error: Evasive: <exception without a text>
# control: weak silent
class Evasive(Exception):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


def f(x):
    raise Evasive
