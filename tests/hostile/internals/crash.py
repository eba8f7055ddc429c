# attack: runs bytecode that no compiler makes
# sandbox: runtime-error
# control: native dies SIGSEGV
import dis


def victim():
    return None


far = [dis.opmap["EXTENDED_ARG"], 0x3F, dis.opmap["EXTENDED_ARG"], 0xFF, dis.opmap["EXTENDED_ARG"], 0xFF]
code = victim.__code__
code = code.replace(co_code=code.co_code[:2] + bytes([*far, dis.opmap["LOAD_CONST"], 0xFF]) + code.co_code[2:])
victim.__code__ = code
print(victim())
