# attack: ignores the signals by which judges stop programs
# sandbox: time-limit
# control: native dies SIGKILL
import signal

for name in ("SIGALRM", "SIGPROF", "SIGXCPU", "SIGTERM", "SIGINT"):
    try:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    except (AttributeError, OSError, ValueError):
        pass
while True:
    pass
