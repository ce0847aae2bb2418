# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One call of poll(2), for drivers that can reach the unpatched one."""

import errno
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from oslo_service._common import clock
from oslo_service._common.times import LONGEST_POLL

__all__ = ("poll_ready",)

# The descriptors that select(2) can look at are less than this: FD_SETSIZE.
_SELECTABLE = 1024
# How long it waits where it cannot look at all descriptors at once, in seconds.
_PAUSE = 0.1


def poll_ready(
    select: ModuleType,
    read: Sequence[int],
    write: Sequence[int],
    timeout: float | None,
) -> tuple[list[int], list[int]]:
    """Block the native thread until a descriptor is ready.

    :param select: the standard library's module, unpatched.
    :param read: descriptors to wait for until they can be read.
    :param write: descriptors to wait for until they can be written.
    :param timeout: seconds, rounded up to milliseconds, in which poll(2) counts; None
        waits without limit.
    :returns: those that can be read, and written; none: the time is over.
    """
    ends = select.POLLHUP | select.POLLERR | select.POLLNVAL
    reads = select.POLLIN | select.POLLPRI
    wanted = dict.fromkeys(read, reads)
    for fd in write:
        wanted[fd] = wanted.get(fd, 0) | select.POLLOUT
    poll = select.poll()
    for fd, events in wanted.items():
        poll.register(fd, events)
    found = _wait(select, poll, wanted, timeout)
    return (
        [fd for fd in read if found.get(fd, 0) & (reads | ends)],
        [fd for fd in write if found.get(fd, 0) & (select.POLLOUT | ends)],
    )


def _wait(
    select: ModuleType, poll: Any, wanted: dict[int, int], timeout: float | None
) -> dict[int, int]:
    """Return which descriptors are ready, and how; none: the time is over."""
    end = None if timeout is None else clock.now() + timeout
    while True:
        left = LONGEST_POLL if end is None else max(0.0, end - clock.now())
        try:
            found = dict(poll.poll(min(left, LONGEST_POLL) * 1000))
        except OSError as exc:
            if exc.errno != errno.EINVAL:
                raise
            # There are more than may be open: the limit has been lowered since.
            found = _select(select, wanted, left)
        if found or (end is not None and clock.now() >= end):
            return found


def _select(
    select: ModuleType, wanted: dict[int, int], timeout: float
) -> dict[int, int]:
    """Return the same by select(2), which has a limit of another kind."""
    fds = [fd for fd in wanted if fd < _SELECTABLE]
    seconds = min(timeout, LONGEST_POLL) if len(fds) == len(wanted) else _PAUSE
    reads = [fd for fd in fds if wanted[fd] & select.POLLIN]
    writes = [fd for fd in fds if wanted[fd] & select.POLLOUT]
    try:
        readable, writable, urgent = select.select(reads, writes, reads, seconds)
    except OSError as exc:
        if exc.errno != errno.EBADF:
            raise
        return {fd: select.POLLNVAL for fd in fds if _is_closed(select, fd)}
    found = dict.fromkeys([*readable, *urgent], select.POLLIN)
    for fd in writable:
        found[fd] = found.get(fd, 0) | select.POLLOUT
    return found


def _is_closed(select: ModuleType, fd: int) -> bool:
    try:
        select.select([fd], [], [], 0)
    except OSError:
        return True
    return False
