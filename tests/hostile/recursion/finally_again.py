# attack: answers each RecursionError by going deeper again: exponential time
# sandbox: time-limit
# control: native dies SIGPROF
def again():
    try:
        again()
    finally:
        again()


again()
