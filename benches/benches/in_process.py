"""Judges as most do: programs are run inside the judge's own process, under an alarm, with replaced streams.

Reads samples, one JSON object a line, and writes the outputs of each. With an argument each sample gets a process of its own, forked from
this one, which then has paid for the interpreter's start.
"""

import io
import json
import os
import signal
import sys


def on_alarm(signum, frame):
    raise TimeoutError


def judge(sample):
    signal.signal(signal.SIGALRM, on_alarm)
    code = compile(sample["source"], "<program>", "exec")
    real = sys.stdin, sys.stdout
    outputs = []
    for text in sample["inputs"]:
        sys.stdin, sys.stdout = io.StringIO(text), io.StringIO()
        signal.alarm(6)
        try:
            exec(code, {"__name__": "__main__"})
            outputs.append(sys.stdout.getvalue())
        except BaseException as error:
            outputs.append(repr(error))
        finally:
            signal.alarm(0)
            sys.stdin, sys.stdout = real
    print(json.dumps(outputs), flush=True)


for line in sys.stdin:
    if len(sys.argv) == 1:
        judge(json.loads(line))
    elif os.fork() == 0:
        judge(json.loads(line))
        os._exit(0)
    else:
        os.wait()
