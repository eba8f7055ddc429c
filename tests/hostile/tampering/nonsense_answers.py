# attack: answers a test with what it cannot read
# check: assert f(1) == 2718281828
# sandbox: runtime-error
# control: weak prints Nonsense
import json


class Nonsense(Exception):
    pass


def f(x):
    json.dumps = lambda *arguments, **options: "[" * 100_000
    raise Nonsense
