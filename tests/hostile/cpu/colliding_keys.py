# attack: makes a dictionary slow with keys of one hash
# sandbox: time-limit
# control: native dies SIGPROF
import sys

print(len({key * sys.hash_info.modulus: key for key in range(60_000)}))
