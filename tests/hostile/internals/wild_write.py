# attack: writes to memory that is not its own
# sandbox: runtime-error: the interpreter crashed
# with: memory.py
# control: native dies SIGSEGV
view = memory(0xFFFF_0000, 4096)
view[0] = 1
print("written")
