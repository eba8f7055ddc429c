# attack: raises an exception whose traceback has no end
# entry: f
# sandbox: time-limit
# control: weak dies SIGPROF
class Ring:
    @property
    def tb_next(self):
        return self

    tb_lineno = 1

    class tb_frame:
        class f_code:
            co_filename = "<program>"


class Evasive(Exception):
    __traceback__ = Ring()


def f(x):
    raise Evasive
