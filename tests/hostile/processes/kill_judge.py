# attack: kills the process that it runs in
# entry: f
# sandbox: runtime-error: AttributeError
# control: weak dies SIGKILL
import os


def f(x):
    os.kill(os.getpid(), 9)
