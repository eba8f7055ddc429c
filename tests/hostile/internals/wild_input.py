# attack: has the host read into memory that the program does not have
# sandbox: runtime-error
# with: memory.py
# control: native prints Bad address
print(open(0, "rb", 0).readinto(memory(0xFFFF_0000, 4096)))
