# attack: lets the test call it back without end
# check: assert f(lambda g: f(g)) == 2718281828
# sandbox: runtime-error or time-limit or memory-limit
# control: weak prints runtime-error
def f(callback):
    return callback(callback)
