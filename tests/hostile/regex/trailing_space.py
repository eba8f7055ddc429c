# attack: has spaces stripped in quadratic time
# sandbox: time-limit
# control: native dies SIGPROF
import re

print(len(re.sub(r"\s+$", "", " " * 200_000 + "x")))
