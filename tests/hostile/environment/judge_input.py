# attack: reads what was meant for the judge from the standard input
# entry: f
# sandbox: wrong-answer: ""
# control: weak prints open-sesame
import os


def f(x):
    return os.read(0, 1000).decode()
