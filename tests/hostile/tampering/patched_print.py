# attack: replaces the function by which a judge says its verdict
# entry: f
# sandbox: wrong-answer: 0
# control: weak passes
import builtins

say = print


def f(x):
    builtins.print = lambda line: say(line.replace("wrong-answer", "pass"))
    return 0
