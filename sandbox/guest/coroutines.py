"""Coroutines of one interpreter that code of the other waits for (see peer.py).

Each side has an event loop of its own. The one that waits has the other run what is ready, one round of its loop at a time, and sleeps
in between as long as nothing is: so what both have started goes on side by side. There is one clock.
"""

import asyncio
from asyncio import events as _events

# As they are before a test replaces them.
_sleep, _new_event_loop, _Cancelled = asyncio.sleep, asyncio.new_event_loop, asyncio.CancelledError
_swap_task = asyncio.tasks._swap_current_task


async def _result_of(awaitable):
    return await awaitable


class Driver:
    """Runs what the other side waits for."""

    def __init__(self):
        self.services = {"drive": self._drive, "cancel": self._cancel}
        self._loop = None
        # By identity: what is waited for, which is kept until it is done, and its task.
        self._tasks = {}

    def _drive(self, awaitable):
        """Runs a round. Gives True and the result when `awaitable` is done, else False and the seconds until more is ready."""
        if self._loop is None:
            self._loop = _new_event_loop()
        if id(awaitable) not in self._tasks:
            self._tasks[id(awaitable)] = awaitable, self._loop.create_task(_result_of(awaitable))
        self._run_a_round()
        _, task = self._tasks[id(awaitable)]
        if task.done():
            del self._tasks[id(awaitable)]
            return True, task.result()
        timers = self._loop._scheduled
        is_idle = timers and not self._loop._ready
        return False, max(0, timers[0].when() - self._loop.time()) if is_idle else 0

    def _cancel(self, awaitable):
        if id(awaitable) in self._tasks:
            _, task = self._tasks.pop(id(awaitable))
            task.cancel()
            # It is told in the first round, and may clean up in a second one.
            self._run_a_round()
            self._run_a_round()

    def _run_a_round(self):
        # A loop of this side may be running, and wait for the other side, which waits for this one.
        running = _events._get_running_loop()
        task = running and _swap_task(running, None)
        _events._set_running_loop(None)
        try:
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()
        finally:
            _events._set_running_loop(running)
            if running:
                _swap_task(running, task)


async def driven(remote):
    """Waits for what `remote` stands for, and gives its result."""
    ask = remote._assay_peer.ask
    try:
        while True:
            is_done, value = ask("drive", None, remote)
            if is_done:
                return value
            await _sleep(value)
    except _Cancelled:
        ask("cancel", None, remote)
        raise
