# attack: ends the process that it runs in by a signal
# entry: f
# sandbox: runtime-error: the interpreter aborted
# control: weak dies SIGTERM
import signal


def f(x):
    signal.raise_signal(signal.SIGTERM)
