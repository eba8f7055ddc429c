# attack: returns halves of characters, which have no form in UTF-8
# entry: f
# sandbox: wrong-answer: "\ud800"
# control: weak silent
def f(x):
    return "\ud800"
