# attack: returns something without a JSON form whose text is larger than any output may be
# entry: f
# limits: fuel=1e9
# sandbox: output-limit
# control: raised output=64 reaches wrong-answer
def f(x):
    return b"x" * (2 << 20)
