# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Waking a hub from outside: other native threads, and signal handlers."""

import collections
from collections.abc import Callable

import greenlet
from eventlet import hubs, patcher

from oslo_service._common.fork_safety import Inherited
from oslo_service.backend._end_of_thread import at_end_of_thread
from oslo_service.backend.eventlet import _asyncio_hub, _pipes, _tpool

__all__ = ("Mailbox", "is_inherited", "mailbox", "replace_hub")

_os = patcher.original("os")
_threading = patcher.original("threading")
# Hubs that came over in a fork. Were they collected, the green threads that
# wait in them would be thrown out and run their clean-up, on descriptors that
# are shared with the parent.
_inherited: Inherited[list[hubs.hub.BaseHub]] = Inherited(list)
# What others have closed the descriptors of: were it collected, it would close them
# again, which are other files by then.
_closed: Inherited[list[object]] = Inherited(list)


class Mailbox:
    """Calls to be made by one hub, posted from anywhere.

    The hub watches a pipe; without it, a hub that sleeps sees neither signals
    nor other native threads before its next timer.
    """

    def __init__(self, hub: hubs.hub.BaseHub) -> None:
        self.hub = hub
        self._calls: collections.deque[Callable[[], object]] = collections.deque()
        self._closed = False
        self._pipe = _pipes.Pipe.take()
        try:
            self._listen()
        except OSError:
            # The program has closed all descriptors, as daemons do.
            _closed.get().append(hub.poll)
            hub.poll = type(hub.poll)()
            hub.listeners[hub.READ].pop(self._pipe.reader, None)
            self._listen()

    def _listen(self) -> None:
        hub = self.hub
        hub.add(hub.READ, self._pipe.reader, self._deliver, self._broken, lambda: None)

    def post(self, call: Callable[[], object]) -> None:
        """Have the hub make a call, soon. Non-blocking, and legal anywhere."""
        if self._is_awake():
            self.hub.schedule_call_global(0, call)
            return
        if self._closed:  # the hub of the process that this one was forked from
            return
        self._calls.append(call)
        self._wake()

    def wake_local(self) -> None:
        """Have this native thread's hub see what has been scheduled just now."""
        if not self._is_awake():
            self._wake()

    def _is_awake(self) -> bool:
        """Whether the hub is the calling native thread's, and does not wait.

        In a green thread, it does not; a signal's handler runs in the hub's own, which
        goes on with its wait as if nothing had happened (PEP 475).
        """
        in_hub = greenlet.getcurrent() is self.hub.greenlet
        return not in_hub and self.hub is getattr(hubs._threadlocal, "hub", None)

    def _wake(self) -> None:
        try:
            _os.write(self._pipe.writer, b"!")
        except BlockingIOError:  # full: the hub is going to wake up anyway
            pass

    def is_local(self) -> bool:
        """Whether the hub is the calling native thread's."""
        # get_hub() would make one.
        return self.hub is getattr(hubs._threadlocal, "hub", None)

    def _deliver(self, _fileno: int) -> None:
        try:
            _os.read(self._pipe.reader, 4096)
        except BlockingIOError:
            pass
        while self._calls:
            self.hub.schedule_call_global(0, self._calls.popleft())

    def _broken(self, *exc_info: object) -> None:
        """Nothing to throw into: nobody waits here but the hub itself."""

    def close(self) -> None:
        """Close the pipe: only for a hub that will not run again."""
        self._closed = True
        self._pipe.close()

    def leave(self) -> None:
        """Have others use what is of the system: the native thread has ended."""
        self._pipe.give_back()
        close = getattr(getattr(self.hub, "poll", None), "close", None)
        if close is not None:
            close()


def mailbox() -> Mailbox:
    """Return the mailbox of this native thread's hub."""
    hub = hubs.get_hub()
    try:
        box: Mailbox = hub.oslo_service_mailbox
    except AttributeError:
        box = hub.oslo_service_mailbox = Mailbox(hub)
        if _threading.get_ident() != _threading.main_thread().ident:
            at_end_of_thread(hubs._threadlocal, box.leave)
    return box


def home_mailbox() -> Mailbox:
    """Return the mailbox of the hub that this native thread works for.

    A thread of Eventlet's pool works for the hub that it answers to: its own would
    never run.
    """
    served = _tpool.served_hub()
    if served is None:
        return mailbox()
    if not hasattr(served, "oslo_service_mailbox"):
        served.oslo_service_mailbox = Mailbox(served)
    box: Mailbox = served.oslo_service_mailbox
    return box


def replace_hub() -> None:
    """Give this thread a hub of its own, in a freshly forked process.

    With it, an epoll of its own: the one that it has is shared with the parent.
    """
    hub = getattr(hubs._threadlocal, "hub", None)
    _tpool.start_over()
    if hub is None:
        return
    _inherited.get().append(hub)
    box = getattr(hub, "oslo_service_mailbox", None)
    if box is not None:
        box.close()
    del hubs._threadlocal.hub
    _asyncio_hub.forget(hub)
    _take_over(hubs.get_hub())


def _take_over(hub: hubs.hub.BaseHub) -> None:
    """Have what runs now go on in a hub: what ran before it is the parent's."""
    current = root = greenlet.getcurrent()
    while root.parent is not None:
        root = root.parent
    hub.greenlet.parent = root
    if current is not root:
        current.parent = hub.greenlet


def is_inherited(green: greenlet.greenlet) -> bool:
    """Whether a green thread came over in a fork, and will never run."""
    return any(hub.greenlet in (green, green.parent) for hub in _inherited.get())
