# attack: prepares, in one test, what the exit of a later one does
# test: "9\n" -> ""
# test: "9\n" -> "left over"
# sandbox: wrong-answer
# control: weak passes
import atexit
import sys

if hasattr(sys, "seen"):
    print("left over")
sys.seen = True
atexit.register(lambda: sys.stdout.write(""))
