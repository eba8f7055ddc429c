# attack: makes the machine fetch as many pages as it can for little work
# sandbox: memory-limit
# control: native peak 500
kept = []
while True:
    part = bytearray(8 << 20)
    part[::4096] = b"x" * (len(part) // 4096)
    kept.append(part)
