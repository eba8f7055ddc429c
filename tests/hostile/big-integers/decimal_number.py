# attack: reads a large decimal number, in quadratic time
# sandbox: time-limit
# control: native dies SIGPROF
import sys

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
print(int("7" * 2_000_000) % 10)
