# attack: never answers a test
# check: assert f(1) == 2718281828
# sandbox: time-limit
# control: weak dies SIGPROF
def f(x):
    while True:
        pass
