"""What programs ask of Python that the image lacks, and other Pythons have: it is no fault of theirs."""

import encodings
import pkgutil
import sys
import types

from _assay_errno import OF_WRITING

# Packages that programs import where they are installed. What is part of Python is known by itself.
_INSTALLED_ELSEWHERE = frozenset(
    "attr cv2 cvxpy cython dateutil gmpy2 jax lxml matplotlib more_itertools networkx numba numpy ortools pandas pulp psutil pydantic "
    "pytest pytz requests scipy sklearn sympy tensorflow torch tqdm typing_extensions yaml".split()
)
# What earlier versions of Python had.
_REMOVED = frozenset(
    "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib nis nntplib ossaudiodev pipes "
    "sndhdr smtpd spwd sunau telnetlib uu xdrlib".split()
)
# What modules have on other platforms, by module. Those that start processes are left out: a program that has none starts none.
_ELSEWHERE = {
    module: frozenset(names.split())
    for module, names in {
        "os": "dup dup2 get_terminal_size getegid geteuid getgid getloadavg getlogin getpgid getpgrp getppid getpriority getrandom getsid getuid "
        "mkfifo nice pipe pipe2 preadv pwritev readv sched_getaffinity sched_setaffinity statvfs sync ttyname umask writev",
        "signal": "ITIMER_PROF ITIMER_REAL ITIMER_VIRTUAL ItimerError SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm getitimer pause pthread_sigmask "
        "setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo valid_signals",
        "time": "CLOCK_PROCESS_CPUTIME_ID CLOCK_THREAD_CPUTIME_ID pthread_getcpuclockid thread_time thread_time_ns tzset",
        "resource": "RUSAGE_CHILDREN RUSAGE_SELF RUSAGE_THREAD getpagesize getrusage prlimit struct_rusage",
        "hashlib": "pbkdf2_hmac scrypt",
        "select": "EPOLLIN EPOLLOUT PIPE_BUF epoll",
        "socket": "AF_UNIX",
        "threading": "get_native_id",
        "shutil": "disk_usage",
    }.items()
}
# All modules of Python, those inside of packages too.
_STDLIB = {}


def list_modules():
    """Names all modules of Python while their files are there."""
    _STDLIB.update(dict.fromkeys(sys.stdlib_module_names))
    folders = [("", folder) for folder in sys.path]
    while folders:
        prefix, folder = folders.pop()
        for _, name, is_package in pkgutil.iter_modules([folder], prefix):
            _STDLIB[name] = None
            if is_package:
                folders.append((name + ".", f"{folder}/{name.rpartition('.')[2]}"))


def module(error):
    """The module or codec that is missing here but not elsewhere, or None."""
    if type(error) is LookupError:
        unknown = str(error).partition("unknown encoding: ")[2]
        codec = encodings.normalize_encoding(unknown).lower()
        name = "encodings." + encodings.aliases.aliases.get(codec, codec)
        return name if name in _STDLIB and name not in sys.modules else None
    if not isinstance(error, ImportError) or type(error.name) is not str:
        return None
    name = error.name
    if type(error.name_from) is str and f"{name}.{error.name_from}" in _STDLIB:
        name = f"{name}.{error.name_from}"
    top = name.partition(".")[0]
    of_python = name in _STDLIB or name in sys.stdlib_module_names
    absent = top in _INSTALLED_ELSEWHERE or top in _REMOVED or (of_python and name not in sys.modules)
    return name if absent else None


def part(error):
    """What the platform lacks, if the program failed for that, or None."""
    # A program may have made the exception, with anything in it.
    if type(error) is OSError and error.errno in OF_WRITING and type(error.filename) is str:
        return "files that can be written"
    if type(error) is AttributeError and type(error.obj) is types.ModuleType:
        holder, name = vars(error.obj).get("__name__"), error.name
    elif type(error) is ImportError:
        holder, name = error.name, error.name_from
    else:
        return None
    is_known = type(holder) is str and type(name) is str and name in _ELSEWHERE.get(holder, ())
    return f"{holder}.{name}" if is_known else None
