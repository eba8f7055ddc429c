# attack: computes a number of 84 million digits
# sandbox: time-limit
# control: native dies SIGPROF
print(len(str(7 ** 10**8)))
