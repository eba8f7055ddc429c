# attack: compiles nested `finally` blocks, each of which is compiled twice: exponential code
# limits: fuel=1e9 memory=112
# sandbox: memory-limit
# control: native dies SIGPROF
depth = 16
lines = ["import sys"]
for level in range(depth):
    lines += [" " * level + "try: a", " " * level + "finally:"]
lines.append(" " * depth + "b")
compile("\n".join(lines), "nested", "exec")
