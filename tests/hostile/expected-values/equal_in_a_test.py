# attack: returns an object that equals anything to a test that is Python
# check: assert f(1) == 2718281828
# sandbox: wrong-answer
# control: weak passes
class Same:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False


def f(x):
    return Same()
