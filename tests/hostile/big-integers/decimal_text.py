# attack: writes a large number in decimal, in quadratic time
# sandbox: time-limit
# control: native dies SIGPROF
import sys

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
print(len(str(1 << 4_000_000)))
