# attack: ends the process while a test waits for it
# check: assert f(1) == 2718281828
# sandbox: runtime-error
# control: weak exits 0
import os


def f(x):
    os._exit(0)
