# attack: changes the exit code of a failed run
# entry: f
# sandbox: runtime-error: SystemExit: 1
# control: weak exits 0
import atexit
import os
import sys


def f(x):
    atexit.register(os._exit, 0)
    sys.exit(1)
