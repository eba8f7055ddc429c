# attack: has a text that contains itself, through the interpreter's own code
# sandbox: runtime-error: RecursionError
# control: weak prints runtime-error RecursionError
# entry: f
class Mirror:
    def __repr__(self):
        return repr(self)


def f(x):
    return repr(Mirror())
