# attack: calls functions of the C library directly
# sandbox: unsupported-import
# control: native writes marker
import ctypes

ctypes.CDLL(None).system(b"echo was here > marker")
