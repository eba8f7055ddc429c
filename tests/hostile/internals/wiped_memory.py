# attack: overwrites its whole interpreter
# sandbox: runtime-error or time-limit
# with: memory.py
# control: native dies SIGSEGV
start = min(id(kept), id(memory)) & ~0xFFFF
view = memory(start, 0x100_0000)
view[:] = b"\x55" * len(view)
print("alive")
