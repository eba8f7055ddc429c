# attack: returns what breaks parsers of JSON
# entry: f
# sandbox: wrong-answer: [NaN, Infinity]
# control: weak prints NaN
def f(x):
    return [float("nan"), float("inf")]
