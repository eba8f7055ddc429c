# attack: takes all memory there is, then behaves as if nothing had happened
# sandbox: wrong-answer: more than 50 MiB
# control: native peak 500
# control: raised memory=512 fuel=1e9 peak 400
kept = []
try:
    while True:
        kept.append(b"x" * (1 << 20))
except MemoryError:
    print("more than 50 MiB" if len(kept) > 50 else "little")
