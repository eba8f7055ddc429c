# attack: raises an exception whose type has no name
# entry: f
# sandbox: runtime-error
# control: weak silent
class Nameless(type):
    @property
    def __name__(cls):
        raise KeyboardInterrupt


class Evasive(Exception, metaclass=Nameless):
    pass


def f(x):
    raise Evasive
