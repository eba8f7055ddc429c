# attack: returns a value whose text is larger than any output may be
# entry: f
# limits: fuel=1e9
# sandbox: output-limit
# control: raised output=64 reaches wrong-answer
def f(x):
    return "x" * (2 << 20)
