# attack: raises the recursion limit and calls itself for ever
# sandbox: time-limit
# control: native peak 150
import sys

sys.setrecursionlimit(2**31 - 1)


def deeper(level):
    return deeper(level + 1)


deeper(0)
