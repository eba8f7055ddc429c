# attack: aborts the process that it runs in
# entry: f
# sandbox: runtime-error: the interpreter aborted
# control: weak dies SIGABRT
import os


def f(x):
    os.abort()
