# attack: has text normalised in quadratic time
# sandbox: time-limit
# control: native dies SIGPROF
import unicodedata

print(len(unicodedata.normalize("NFC", "a" + "\u0300\u0327" * 400_000)))
