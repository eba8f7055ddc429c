# attack: catches every MemoryError and asks again
# sandbox: time-limit
# control: native peak 400
kept = []
while True:
    try:
        kept.append(b"x" * (1 << 20))
    except MemoryError:
        pass
