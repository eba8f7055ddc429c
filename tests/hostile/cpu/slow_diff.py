# attack: makes a library function of cubic time work
# sandbox: time-limit
# control: native dies SIGPROF
import difflib

left = "ab" * 2000
print(difflib.SequenceMatcher(None, left, left[::-1], autojunk=False).ratio())
