# attack: returns an object that equals anything
# entry: f
# sandbox: wrong-answer: 0
# control: weak passes
class Same(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def f(x):
    return Same(0)
