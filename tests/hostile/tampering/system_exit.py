# attack: leaves through an exception that few judges catch
# entry: f
# sandbox: runtime-error: Leave
# control: weak exits 0
class Leave(SystemExit):
    pass


def f(x):
    raise Leave(0)
