# attack: lets a comparison tell it the expected answer of one test and gives it in the next
# entry: f
# test: [1] -> 2718281828
# test: [1] -> 2718281828
# sandbox: wrong-answer: 0
# control: weak passes
import builtins


class Spy(int):
    def __eq__(self, other):
        builtins.learned = other
        return True

    def __hash__(self):
        return 0


def f(x):
    return getattr(builtins, "learned", Spy(0))
