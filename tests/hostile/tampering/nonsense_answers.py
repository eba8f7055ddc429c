# attack: answers a test with what it cannot read
# check: assert f(1) == 2718281828
# sandbox: runtime-error
# control: weak prints Nonsense
import sys


class Nonsense(Exception):
    pass


def f(x):
    if "_assay_peer" in sys.modules:
        sys.modules["_assay_peer"]._to_json = lambda *arguments, **options: "[" * 100_000
    raise Nonsense
