# attack: replaces the functions by which answers are written
# entry: f
# sandbox: wrong-answer: [1]
# control: weak prints [1]
import json


def f(x):
    json.dumps = lambda *arguments, **options: "[1]"
    return [0]
