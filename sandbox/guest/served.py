"""The program's end of the line to a test that is Python (see checks.py)."""

import builtins
import dataclasses
import io
import logging
import random
import sys
import warnings

import _assay_missing as _missing
import _assay_threads as _threads
import _assay_wide as _wide
from _assay_coroutines import Driver
from _assay_line import open_line
from _assay_patches import Environment, Replacing
from _assay_peer import Peer
from _assay_subclasses import SERVICES
from _assay_values import TYPES

# What each record of a log has.
_OF_RECORDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
# Calls that the line itself takes in an answer.
_FRAMES = 100
# Functions of a library that look into a thing.
LOOKING = {name: getattr(dataclasses, name) for name in "asdict astuple fields replace is_dataclass".split()}


class _Input(io.TextIOBase):
    """Standard input, which is the test's."""

    def __init__(self, served):
        self.served = served
        self.buffer = _Bytes(self)

    def readable(self):
        return True

    def readline(self, size=-1, /):
        return self.served.ask("readline", size)

    def read(self, size=-1, /):
        return self.served.ask("read", size)


class _Bytes(io.BufferedIOBase):
    """The bytes of a text."""

    def __init__(self, text):
        self.text = text

    def readable(self):
        return True

    def read(self, size=-1, /):
        return self.text.read(size).encode()

    def readline(self, size=-1, /):
        return self.text.readline(size).encode()


class _Output(io.BytesIO):
    """Standard output or error, which goes to the test with the next message."""

    def take(self):
        text = self.getvalue().decode("utf-8", "backslashreplace")
        self.seek(0)
        self.truncate()
        return text


class Served:
    """The program's interpreter: does to the program's things what the test asks for."""

    def __init__(self):
        self.namespace = {}
        self.peer = Peer(False, {**TYPES, **vars(builtins)}, open_line())
        replacing = Replacing()
        self.peer.services = {
            "name": self._name,
            "seed": random.seed,
            "recursion": sys.setrecursionlimit,
            "patch": replacing.replace,
            "unpatch": replacing.restore,
            "share_environment": self._share_environment,
            "listen": self._let_the_test_hear,
            **Driver().services,
            **SERVICES,
            **LOOKING,
        }
        self.peer.fatal = _threads.Unsupported
        self.peer.before_raising = self._before_raising
        # Whether somebody is at the other end.
        self.is_heard = False
        self.output, self.errors = _Output(), _Output()
        self.peer.printed = lambda: (self.output.take(), self.errors.take())
        sys.stdout = io.TextIOWrapper(self.output, "utf-8", write_through=True)
        sys.stderr = io.TextIOWrapper(self.errors, "utf-8", "backslashreplace", write_through=True)
        sys.stdin = _Input(self)
        builtins.input = lambda prompt="", /: self.ask("input", prompt)

    def start(self, namespace):
        """The program has been run and has these names. What it has printed is not for the test."""
        self.namespace = namespace
        self.peer.printed()

    def ask(self, service, *arguments):
        if self.is_heard:
            return self.peer.ask(service, None, *arguments)
        if service == "input":
            raise EOFError("EOF when reading a line")
        return ""

    def answer(self, message):
        """Does what `message` asks for and gives the reply, both JSON texts."""
        self.is_heard = True
        digits, recursion = sys.get_int_max_str_digits(), sys.getrecursionlimit()
        try:
            # What the line takes is not the program's.
            sys.setrecursionlimit(min(recursion + _FRAMES, 10**8))
            # Numbers travel whatever their length.
            sys.set_int_max_str_digits(0)
            return self.peer.answer(message)
        finally:
            sys.set_int_max_str_digits(digits)

    def _name(self, name):
        if name not in self.namespace:
            raise NameError(f"name {name!r} is not defined")
        return self.namespace[name]

    def _share_environment(self):
        """From now on each side finds the variables that the other sets."""
        environment = Environment()
        self.peer.services["environment"] = environment.hear
        self.peer.before_asking = lambda: environment.tell(self.peer.ask)
        self.peer.before_asking()

    def _let_the_test_hear(self):
        """From now on the test is told what the program warns of and logs, and says what of it is wanted."""

        def warn(message):
            self.ask("warn", str(message.message), message.category, message.filename, message.lineno)

        def is_enabled(logger, level):
            return is_enabled_here(logger, level) or self.ask("is_logged", logger.name, level)

        def handle(logger, record):
            if is_enabled_here(logger, record.levelno):
                handle_here(logger, record)
            own = tuple(item for item in vars(record).items() if item[0] not in _OF_RECORDS)
            text, arguments = (record.msg, record.args) if type(record.msg) is str else (record.getMessage(), ())
            self.ask("log", record.name, record.levelno, text, arguments, record.filename, record.lineno, record.funcName, own)

        is_enabled_here, handle_here = logging.Logger.isEnabledFor, logging.Logger.handle
        logging.Logger.isEnabledFor, logging.Logger.handle = is_enabled, handle
        warnings.simplefilter("always")
        warnings._showwarnmsg_impl = warn

    @staticmethod
    def _before_raising(error):
        if "_assay_error" in vars(error):
            # It is the test's own.
            return
        # What this interpreter lacks, or has not enough of, is not for the test to hear.
        if _wide.is_too_narrow(error) or _missing.part(error) or _missing.module(error):
            raise error
