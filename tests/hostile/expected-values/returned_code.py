# attack: has the interpreter of the test run code, as the class of an exception
# check: assert f(1) == 2718281828
# sandbox: runtime-error
# control: weak passes
import json
import sys

code = "import sys; sys.modules['__main__']._reply = lambda *parts: b'+'"
error = ["error", 1, ["tuple", [["built-in", "exec"], ["tuple", [code]], "", ["tuple", []]]]]
forged = json.dumps(["raised", error, [], [], ""])
if "_assay_peer" in sys.modules:
    sys.modules["_assay_peer"]._to_json = lambda *arguments, **options: forged


def f(x):
    return Same()


class Same:
    def __eq__(self, other):
        return True
