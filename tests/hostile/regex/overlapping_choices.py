# attack: has a pattern with overlapping alternatives matched in exponential time
# sandbox: time-limit
# control: native dies SIGPROF
import re

print(re.match("(?:a|aa|a?a)*$", "a" * 60 + "b"))
