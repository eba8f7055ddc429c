# attack: has a pattern matched in exponential time
# sandbox: time-limit
# control: native dies SIGPROF
import re

print(re.match("(a+)+$", "a" * 40 + "b"))
