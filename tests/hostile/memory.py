"""For programs that forge objects: stands before those whose header says `with: memory.py`."""

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
