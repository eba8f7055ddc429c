# attack: forges an object that gives it all memory of its process, and changes what cannot be changed
# sandbox: wrong-answer: changed constant
# with: memory.py
# control: native prints changed constant
constant = b"untouched constant"
view = memory(id(constant) + bytes.__basicsize__ - 1, len(constant))
view[:] = b"changed constant\0\0"
print(constant.decode().strip("\0"))
