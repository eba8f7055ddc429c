# attack: asks iterators nested so deeply that the C stack overflows
# limits: fuel=4e9
# sandbox: runtime-error: stack overflow
# control: native dies SIGSEGV
import gc
import itertools

gc.disable()
nested = iter([1])
for _ in range(300_000):
    nested = itertools.chain(nested, [1])
print(next(nested))
