# attack: stays inside one call of the interpreter's own code, where no signal handler and no trace function runs
# sandbox: time-limit
# control: native dies SIGPROF
import itertools

print(-1 in itertools.count())
