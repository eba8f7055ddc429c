# attack: looks for the expected answer in all memory of its process
# limits: fuel=1e9
# sandbox: wrong-answer: nothing in 84 MiB
# with: memory.py
# control: weak passes

def readable():
    try:
        for line in open("/proc/self/maps"):
            span, rights, *_, last = line.split()
            if rights == "rw-p" and last in ("0", "[heap]"):
                start, end = (int(part, 16) for part in span.split("-"))
                yield start, end - start
    except OSError:
        # All that WebAssembly has, from its first page on.
        yield 1 << 16, 84 << 20


# Not in one piece, so that it does not find itself.
wanted = b"".join([b"the ans", b"wer", b" is "])


def search():
    total = 0
    for start, size in readable():
        view = memory(start, size)
        total += size
        at = view.find(wanted)
        while at >= 0:
            number = bytes(view[at + len(wanted) : at + len(wanted) + 10])
            if number.isdigit():
                return "".join(["the answer", " is ", number.decode()])
            at = view.find(wanted, at + 1)
    return f"nothing in {total >> 20} MiB"


print(search())
