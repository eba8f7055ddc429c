# attack: counts tests in modules of the standard library
# entry: f
# test: [0] -> 1
# test: [0] -> 2
# test: [0] -> 3
# sandbox: wrong-answer: 1
# control: weak passes
import json
import sys


def f(x):
    json.count = getattr(json, "count", 0) + 1
    sys.modules["count"] = json
    return json.count
