# attack: claims at its end that it needs other sizes, to be run again and again
# sandbox: unsupported-platform: again
# control: weak prints runtime-error
import sys

sys._getframe(1).f_globals["_failure"] = lambda error: b"Vagain"
raise ValueError
