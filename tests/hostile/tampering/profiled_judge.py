# attack: has a function of its own called whenever the judge calls or returns, and raises there
# entry: f
# sandbox: runtime-error
# control: weak silent
import sys


def refuse(frame, event, argument):
    if frame.f_code.co_name != "f":
        raise SystemExit


def f(x):
    sys.setprofile(refuse)
    return 0
