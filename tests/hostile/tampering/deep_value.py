# attack: returns a value nested so deeply that writing or reading it fails
# entry: f
# limits: fuel=2e9
# sandbox: wrong-answer
# control: weak silent
def f(x):
    nested = []
    for _ in range(200_000):
        nested = [nested]
    return nested
