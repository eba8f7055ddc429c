# attack: hashes a tuple nested so deeply that the C stack overflows
# limits: fuel=4e9
# sandbox: runtime-error: RecursionError: maximum recursion depth exceeded
# control: native dies SIGSEGV
import gc

gc.disable()
nested = ()
for _ in range(1_000_000):
    nested = (nested,)
print(hash(nested))
