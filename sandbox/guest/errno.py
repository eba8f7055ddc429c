"""Numbers of the operating system's errors: those of Linux, where this interpreter has those of WASI."""

import errno
import gc
import os

_OF_LINUX = {
    "EPERM": 1, "ENOENT": 2, "ESRCH": 3, "EINTR": 4, "EIO": 5, "ENXIO": 6, "E2BIG": 7, "ENOEXEC": 8, "EBADF": 9, "ECHILD": 10,
    "EAGAIN": 11, "EWOULDBLOCK": 11, "ENOMEM": 12, "EACCES": 13, "EFAULT": 14, "EBUSY": 16, "EEXIST": 17, "EXDEV": 18, "ENODEV": 19,
    "ENOTDIR": 20, "EISDIR": 21, "EINVAL": 22, "ENFILE": 23, "EMFILE": 24, "ENOTTY": 25, "EFBIG": 27, "ENOSPC": 28, "ESPIPE": 29,
    "EROFS": 30, "EMLINK": 31, "EPIPE": 32, "EDOM": 33, "ERANGE": 34, "EDEADLK": 35, "ENAMETOOLONG": 36, "ENOLCK": 37, "ENOSYS": 38,
    "ENOTEMPTY": 39, "ELOOP": 40, "EPROTO": 71, "EOVERFLOW": 75, "EILSEQ": 84, "ENOTSOCK": 88, "EDESTADDRREQ": 89, "EMSGSIZE": 90,
    "ENOTSUP": 95, "EOPNOTSUPP": 95, "EADDRINUSE": 98, "EADDRNOTAVAIL": 99, "ENETUNREACH": 101, "ECONNABORTED": 103, "ECONNRESET": 104,
    "ENOBUFS": 105, "EISCONN": 106, "ENOTCONN": 107, "ETIMEDOUT": 110, "ECONNREFUSED": 111, "EHOSTUNREACH": 113, "EALREADY": 114,
    "EINPROGRESS": 115, "ECANCELED": 125,
}  # fmt: skip
_OF_WASI = {name: getattr(errno, name) for name in _OF_LINUX if hasattr(errno, name)}
# What the host gives, by WASI's number. Those are rarely meant by a program that makes an error itself, with a number of Linux.
_GIVEN = {_OF_WASI[name]: _OF_LINUX[name] for name in ("EBADF", "EISDIR", "ENOENT", "ENOTDIR", "ENOTSUP", "EROFS")}
OUT_OF_RANGE = errno.ERANGE
# Both numbers of each, for a program may have caught the error.
OF_WRITING = frozenset(numbers[name] for numbers in (_OF_WASI, _OF_LINUX) for name in ("EROFS", "ENOTSUP"))


def restore(error):
    """Gives an error of the system its number on Linux."""
    if error.errno in _GIVEN:
        error.errno = _GIVEN[error.errno]
        if error.args and error.args[0] in _GIVEN:
            error.args = (error.errno, *error.args[1:])


def stand_in():
    """Gives the module `errno` the numbers, and has `OSError(2, ..)` make a `FileNotFoundError`."""
    # What the interpreter looks classes up in has no name. What the system raises itself goes on to be found in it.
    classes = next(found for found in gc.get_referrers(FileNotFoundError) if type(found) is dict and found.get(errno.ENOENT) is FileNotFoundError)
    classes.update({_OF_LINUX[name]: classes[number] for name, number in _OF_WASI.items() if number in classes})
    strerror, of_wasi = os.strerror, {_OF_LINUX[name]: number for name, number in _OF_WASI.items()}
    os.strerror = lambda number, /: strerror(of_wasi.get(number, number))
    for name, number in _OF_LINUX.items():
        setattr(errno, name, number)
    errno.errorcode.clear()
    errno.errorcode.update((number, name) for name, number in _OF_LINUX.items() if name not in ("EWOULDBLOCK", "EOPNOTSUPP"))
