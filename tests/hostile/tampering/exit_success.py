# attack: ends the process as if all had gone well
# entry: f
# sandbox: runtime-error
# control: weak exits 0
import os


def f(x):
    os._exit(0)
