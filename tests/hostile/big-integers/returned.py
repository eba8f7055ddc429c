# attack: returns a number that takes the judge for ever to write
# entry: f
# sandbox: time-limit
# control: weak silent
def f(x):
    return 1 << 20_000_000
