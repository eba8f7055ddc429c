# attack: counts tests in a cache of the library
# entry: f
# test: [0] -> 1
# test: [0] -> 2
# test: [0] -> 3
# sandbox: wrong-answer: 1
# control: weak passes
import functools
import re


def f(x):
    cache = re.__dict__.setdefault("_template_cache", {})
    cache["count"] = cache.get("count", 0) + 1
    return cache["count"]
