# attack: answers a test with a value that is small where it is made and large where it is read
# check: assert list(f(1)) == 2718281828
# limits: fuel=1e9
# sandbox: memory-limit: in the test
# control: weak peak 200
def f(x):
    return range(5 * 10**7)
