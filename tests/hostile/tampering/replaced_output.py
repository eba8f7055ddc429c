# attack: makes the captured output equal to anything
# sandbox: wrong-answer: nothing
# control: weak passes
import sys


class Same(str):
    def strip(self):
        return self

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


print("nothing")
sys.stdout.getvalue = lambda: Same("anything")
