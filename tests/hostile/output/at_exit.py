# attack: floods when it seems to be done
# sandbox: output-limit
# control: native floods 6
import atexit
import sys


@atexit.register
def last_words():
    while True:
        sys.stdout.write("x" * 65536)
