# attack: writes to the file descriptor, past the interpreter's buffers
# sandbox: output-limit
# control: native floods 6
import os

part = b"x" * 65536
while True:
    os.write(1, part)
