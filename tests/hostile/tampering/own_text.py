# attack: returns an object whose text is no text
# entry: f
# sandbox: runtime-error: TypeError
# control: weak silent
class Evasive:
    def __repr__(self):
        return 0


def f(x):
    return Evasive()
