# attack: computes a factorial inside one call
# sandbox: time-limit
# control: native dies SIGPROF
import math

print(math.factorial(10**7) % 7)
