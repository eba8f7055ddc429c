# attack: asks iterators nested so deeply that the C stack overflows
# limits: fuel=8e9 memory=512
# sandbox: runtime-error: stack overflow
# control: native dies SIGSEGV
import gc
import itertools

gc.disable()
nested = iter([1])
for _ in range(1_500_000):
    nested = itertools.chain(nested, [1])
print(next(nested))
