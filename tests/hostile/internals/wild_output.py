# attack: has the host write out memory that the program does not have
# sandbox: runtime-error: the program broke the interpreter
# with: memory.py
# control: native prints Bad address
import os

os.write(1, memory(0xFFFF_0000, 4096))
