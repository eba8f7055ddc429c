# attack: fills memory with a list that grows for ever
# sandbox: memory-limit
# control: native peak 500
# control: raised memory=512 fuel=1e9 peak 400
kept = []
while True:
    kept.append(b"x" * (1 << 20))
