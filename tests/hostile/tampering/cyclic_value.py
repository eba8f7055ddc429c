# attack: returns a value that contains itself
# entry: f
# sandbox: wrong-answer: not JSON: [[...]]
# control: weak silent
def f(x):
    cycle = []
    cycle.append(cycle)
    return cycle
