# attack: draws from a random generator whose state the last test left behind
# entry: f
# test: [0] -> 1
# test: [0] -> 2
# sandbox: wrong-answer: 1
# control: weak passes
import random


def f(x):
    fresh = random.getstate() != random.Random(7).getstate()
    random.seed(7)
    return 1 if fresh else 2
