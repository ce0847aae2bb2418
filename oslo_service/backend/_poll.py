# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One call of poll(2), for drivers that have the real one at hand."""

from collections.abc import Sequence
from types import ModuleType

__all__ = ("poll_ready",)

# The most seconds of one call: it counts milliseconds in an int.
_LONGEST = 1e6


def poll_ready(
    select: ModuleType,
    read: Sequence[int],
    write: Sequence[int],
    timeout: float | None,
) -> tuple[list[int], list[int]]:
    """Block the native thread until a descriptor is ready.

    :param select: the standard library's module, unpatched.
    :param timeout: seconds, kept to the millisecond above (poll counts in
        those); None waits without limit.
    """
    ends = select.POLLHUP | select.POLLERR | select.POLLNVAL
    reads = select.POLLIN | select.POLLPRI
    wanted = dict.fromkeys(read, reads)
    for fd in write:
        wanted[fd] = wanted.get(fd, 0) | select.POLLOUT
    poll = select.poll()
    for fd, events in wanted.items():
        poll.register(fd, events)
    found: dict[int, int] = {}
    while timeout is not None and timeout > _LONGEST and not found:
        found = dict(poll.poll(_LONGEST * 1000))
        timeout -= _LONGEST
    if not found:
        found = dict(poll.poll(None if timeout is None else max(0.0, timeout) * 1000))
    return (
        [fd for fd in read if found.get(fd, 0) & (reads | ends)],
        [fd for fd in write if found.get(fd, 0) & (select.POLLOUT | ends)],
    )
