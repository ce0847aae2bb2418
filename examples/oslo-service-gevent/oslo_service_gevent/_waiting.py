# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Greenlets that wait in their hub, and what wakes them."""

import errno
import os
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import greenlet
from gevent import _hub_local, core, monkey

from oslo_service.backend import base

_READ, _WRITE = 1, 2  # of libev: what a watcher waits for
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
# What came over in a fork. Were it collected, greenlets would clean up in it.
_inherited: list[tuple[Any, object]] = []
_of_thread: Any = monkey.get_original("_thread", "_local")()
_block_thread: Any = monkey.get_original("time", "sleep")


def call_soon(hub: Any, call: Callable[[], object]) -> None:
    """Have a hub make a call. Non-blocking, and legal anywhere."""
    try:
        hub.loop.run_callback_threadsafe(call)
    except ValueError:  # destroyed: of the process that this one was forked from
        pass


def current_hub() -> Any:
    """Return the hub of this native thread."""
    hub: Any = gevent.get_hub()
    if not hasattr(hub, "oslo_service_anchor"):
        # A loop that watches nothing ends, though others may be going to call.
        anchor = hub.oslo_service_anchor = hub.loop.async_()
        anchor.start(int)
        if hasattr(core, "set_syserr_cb"):  # libuv has nothing of the kind
            core.set_syserr_cb(_on_system_error)
        if not hub.loop.default:
            base.at_end_of_thread(_of_thread, hub.loop.destroy)
    return hub


def _on_system_error(message: bytes, number: int) -> None:
    """Pause where descriptors are scarce, and libev tries again; else it is raised."""
    error: BaseException = SystemError(f"{message.decode()}: {os.strerror(number)}")
    if number in _SCARCE or (message, number) == (b"(libev) poll", errno.EINVAL):
        try:
            _block_thread(0.1)
        except BaseException as exc:  # noqa: BLE001 - of a signal handler
            error = exc
        else:
            return
    gevent.get_hub().handle_error(None, type(error), error, error.__traceback__)


class Waiter:
    """A greenlet that waits in its hub, to be resumed once."""

    __slots__ = ("_greenlet", "_live", "hub")

    def __init__(self) -> None:
        self.hub = current_hub()
        self._greenlet = greenlet.getcurrent()
        # Woken before it waits, it must not be resumed out of another wait.
        self._live = False

    def resume(self) -> None:
        """Go on: in the hub only."""
        if self._live:
            self._live = False
            self._greenlet.switch()

    def wake(self) -> None:
        """Go on: from anywhere."""
        call_soon(self.hub, self.resume)

    def wait(self, timeout: float | None) -> None:
        """Switch to the hub until resumed, or until the time is over."""
        self._live = True
        timer = None
        try:
            if timeout is not None:
                timer = self.hub.loop.timer(timeout)
                timer.start(self.resume, update=True)
            self.hub.switch()
        finally:
            self._live = False
            if timer is not None:
                timer.close()


class GreenEvent(base.WaiterEvent):
    """A flag for greenlets to wait for."""

    __slots__ = ()
    _new_waiter = staticmethod(Waiter)
    _let_others_run = staticmethod(gevent.sleep)  # for 0 seconds


def wait_ready(
    read: Sequence[int], write: Sequence[int], timeout: float | None
) -> tuple[list[int], list[int]]:
    """Block this greenlet until a descriptor is ready, or the time is over."""
    waiter = Waiter()
    ready: tuple[list[int], list[int]] = ([], [])

    def on_ready(fd: int, found: list[int]) -> None:
        found.append(fd)
        waiter.resume()

    watchers = []
    try:
        for event, fds, found in ((_READ, read, ready[0]), (_WRITE, write, ready[1])):
            for fd in fds:
                watchers.append(waiter.hub.loop.io(fd, event))
                watchers[-1].start(on_ready, fd, found)
        waiter.wait(timeout)
    finally:
        for watcher in watchers:
            watcher.close()
    return ready


def is_inherited(one: Any) -> bool:
    """Whether a greenlet is one of the process that this was forked from."""
    return any(hub in (one, one.parent) for hub, _ in _inherited)


def replace_hub(tasks_of_parent: object) -> None:
    """Give this thread a hub of its own, in a freshly forked process."""
    hub = _hub_local.get_hub_if_exists()
    if hub is None:
        return
    _inherited.append((hub, tasks_of_parent))
    _hub_local.set_hub(None)
    _hub_local.set_loop(None)
    # The parent's loop is not disturbed. The next is the default, as this was.
    hub.loop.destroy()
    current_hub()  # before a signal handler needs one, and gets another
