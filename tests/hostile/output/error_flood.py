# attack: fills the judge's memory or disk through standard error
# sandbox: time-limit
# control: native floods 6
import os

part = b"x" * 65536
while True:
    os.write(2, part)
