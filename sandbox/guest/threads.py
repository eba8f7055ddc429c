"""Threads, pools and event loops where there is one thread.

Most programs use a thread for its bigger stack, or a pool to map a function, and wait for the end: what they start is run to its end
when it is started. A program that has queues or events between threads is run as far as one thread goes: what it starts waits, and
runs when something is waited for, in the order in which it is due. A thread that waits in vain is given up when what waits beneath it
can go on, and one that runs beside the program (a daemon) when it sleeps. A thread never goes on from there: where somebody waits for
it after all, that is `Unsupported`, which is no fault of the program.
"""

import _thread
import _threading_local
import asyncio
import asyncio.base_events
import asyncio.unix_events
import concurrent.futures
import concurrent.futures.thread
import heapq
import itertools
import math
import queue
import re
import sys
import threading
import time
import types


class Unsupported(BaseException):
    """The program needs what this interpreter cannot do: no exception that it may catch."""


class _GivenUp(BaseException):
    """Ends a thread that waits in vain: what waits at this depth can go on."""

    def __init__(self, depth):
        self.depth = depth


# What threads wait for in each other. A program without it is served best if its threads run when they are started.
_WAITED_FOR = re.compile(rb"\b(\w*Queue|Event|Condition|\w*Semaphore|Barrier|Timer)\b")
# How often one thread may sleep: one that waits for another by looking again and again would never end.
_MOST_SLEEPS = 10_000
_is_deferred = False
# What was started and has not run: when it is due, in which order it was started, and the thread.
_pending = []
_order = itertools.count()
# What is waited for, from the outermost thread on, and the threads that run, with how often each has slept.
_waits = []
_running = []


def expect(source, is_second_run):
    """Sets for a program how its threads are run."""
    global _is_deferred
    _is_deferred = is_second_run or _WAITED_FOR.search(source) is not None


def _start(thread):
    if thread._started.is_set():
        raise RuntimeError("threads can only be started once")
    thread._started._flag = True
    if _is_deferred or thread.daemon:
        due = time.monotonic() + (thread.interval if isinstance(thread, threading.Timer) else 0)
        heapq.heappush(_pending, (due, next(_order), thread))
    else:
        _run(thread)


def _run(thread):
    ident = threading.get_ident()
    outer = threading._active.get(ident)
    threading._active[ident] = thread
    _running.append([thread, 0])
    try:
        thread.run()
        thread._assay_has_ended = True
    except SystemExit:
        thread._assay_has_ended = True
    except (Unsupported, _GivenUp):
        raise
    except BaseException as error:
        thread._assay_has_ended = True
        if isinstance(error, RecursionError) and "Stack overflow" in str(error):
            # Programs ask for a bigger stack and would get it elsewhere.
            raise Unsupported("a recursion through C code that is deeper than the interpreter's C stack") from None
        threading.excepthook(threading.ExceptHookArgs([type(error), error, error.__traceback__, thread]))
    finally:
        _running.pop()
        if outer is None:
            threading._active.pop(ident, None)
        else:
            threading._active[ident] = outer


def run_pending(until=math.inf):
    """Runs all that is due until then and has not run yet. What then waits in vain is given up."""
    _waits.append(lambda: True)
    try:
        while _pending and _pending[0][0] <= until:
            _run_one()
    finally:
        _waits.pop()


def _run_one():
    depth = len(_waits)
    due, _, thread = heapq.heappop(_pending)
    if due > time.monotonic():
        _sleep(due - time.monotonic())
    try:
        _run(thread)
    except _GivenUp as given_up:
        if given_up.depth != depth:
            raise


def _give_up():
    """Ends this thread, if something beneath it can go on."""
    for depth, is_over in enumerate(_waits, 1):
        if is_over():
            raise _GivenUp(depth)


def _wait(is_over, timeout=None):
    """Runs what is pending until `is_over`, or the time is over."""
    end = math.inf if timeout is None or timeout < 0 else time.monotonic() + timeout
    _waits.append(is_over)
    try:
        while not is_over():
            if _pending and _pending[0][0] <= end:
                _run_one()
            elif end < math.inf:
                _sleep_in_thread(max(0, end - time.monotonic()))
                return
            else:
                _waits.pop()
                try:
                    _give_up()
                finally:
                    _waits.append(is_over)
                raise Unsupported("threads that wait for each other")
    finally:
        _waits.pop()


def _sleep_in_thread(seconds):
    """Sleeps. A thread that sleeps again and again, for what does not come, ends."""
    if _running:
        running = _running[-1]
        running[1] += 1
        if running[0].daemon:
            _give_up()
        if running[1] > _MOST_SLEEPS:
            raise Unsupported("a thread that sleeps until another one has done something")
    _sleep(seconds)


class _Lock:
    """`threading.Lock` where a wait runs other threads."""

    __slots__ = ("_held", "__weakref__")

    def __init__(self):
        self._held = False

    def acquire(self, blocking=True, timeout=-1):
        if self._held and blocking:
            _wait(lambda: not self._held, timeout if timeout >= 0 else None)
        if self._held:
            return False
        self._held = True
        return True

    def release(self):
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self):
        return self._held

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *error):
        self.release()

    def _at_fork_reinit(self):
        self._held = False

    acquire_lock, release_lock, locked_lock = acquire, release, locked


def _join(thread, timeout=None):
    if not thread._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if thread is not threading.main_thread():
        _wait(lambda: getattr(thread, "_assay_has_ended", False), timeout)


def _is_alive(thread):
    run_pending()
    return thread._started.is_set() and not getattr(thread, "_assay_has_ended", False)


_sleep = time.sleep


def _sleep_and_run(seconds, /):
    end = time.monotonic() + seconds
    if _pending:
        run_pending(end)
    _sleep_in_thread(max(0, end - time.monotonic()) if seconds >= 0 else seconds)


def _run_timer(timer):
    if not timer.finished.is_set():
        timer.function(*timer.args, **timer.kwargs)
    timer.finished.set()


_get_event_loop = asyncio.events.get_event_loop


def _event_loop():
    """The current event loop, made if there is none, as before Python 3.14."""
    try:
        return _get_event_loop()
    except RuntimeError:
        loop = _EventLoop()
        asyncio.set_event_loop(loop)
        return loop


def _start_new_thread(function, arguments, keywords={}, /):
    _start(threading.Thread(target=function, args=arguments, kwargs=keywords))
    return threading.get_ident()


class _ThreadPool(concurrent.futures.ThreadPoolExecutor):
    """What is submitted runs at once."""

    def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=(), **_):
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._max_workers = max_workers or 4
        self._begin = None if initializer is None else lambda: initializer(*initargs)
        self._shutdown = False

    def submit(self, function, /, *arguments, **keywords):
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        try:
            if self._begin is not None:
                self._begin, begin = None, self._begin
                begin()
            result = function(*arguments, **keywords)
        except (Unsupported, _GivenUp):
            raise
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._shutdown = True


class _Selector:
    """Nothing but time is waited for."""

    def select(self, timeout=None):
        if _pending:
            run_pending()
            return []
        if timeout is None:
            raise Unsupported("an event loop that waits for what nobody sends")
        if timeout > 0:
            _sleep(timeout)
        return []

    def close(self):
        pass

    def get_map(self):
        return {}


class _EventLoop(asyncio.base_events.BaseEventLoop):
    """An event loop without sockets and pipes."""

    def __init__(self, selector=None):
        super().__init__()
        self._selector = _Selector()

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass

    def add_signal_handler(self, *_):
        raise NotImplementedError

    def remove_signal_handler(self, *_):
        return False

    async def connect_read_pipe(self, *_):
        raise Unsupported("sockets and pipes of an event loop")

    connect_write_pipe = subprocess_shell = subprocess_exec = create_connection = create_server = connect_read_pipe


def stand_in():
    """Puts all of this in the place of Python's own."""
    _thread.start_new_thread = threading._start_new_thread = _start_new_thread
    _thread.allocate_lock = threading._allocate_lock = threading.Lock = _Lock
    threading.Thread.start = _start
    threading.Thread.join = _join
    threading.Thread.is_alive = _is_alive
    threading.Timer.run = _run_timer
    threading.local = _threading_local.local
    threading.stack_size = _thread.stack_size = lambda size=0: 0
    time.sleep = _sleep_and_run
    asyncio.get_event_loop = asyncio.events.get_event_loop = _event_loop
    queue.SimpleQueue = queue._PySimpleQueue
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.thread.ThreadPoolExecutor = _ThreadPool
    _ThreadPool.__name__ = _ThreadPool.__qualname__ = "ThreadPoolExecutor"
    for module in (asyncio, asyncio.unix_events):
        for name in ("SelectorEventLoop", "EventLoop", "_UnixSelectorEventLoop"):
            if hasattr(module, name):
                setattr(module, name, _EventLoop)
    for policy in (getattr(asyncio.unix_events, name, None) for name in ("_DefaultEventLoopPolicy", "_UnixDefaultEventLoopPolicy")):
        if policy is not None:
            policy._loop_factory = _EventLoop
    _stand_in_for_resource()


def _stand_in_for_resource():
    """Programs import `resource` to have a bigger stack."""
    resource = types.ModuleType("resource")
    resource.RLIM_INFINITY = -1
    for number, name in enumerate("CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS".split()):
        setattr(resource, "RLIMIT_" + name, number)
    resource.getrlimit = lambda which: (-1, -1)
    resource.setrlimit = lambda which, limits: None
    sys.modules["resource"] = resource
