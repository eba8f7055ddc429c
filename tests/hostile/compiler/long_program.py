# attack: compiles a program of a million lines
# sandbox: time-limit
# control: native dies SIGPROF
exec(compile("a = b + 1\n" * 1_000_000, "long", "exec"))
