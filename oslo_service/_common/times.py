# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Times and lengths of time that somebody gives: there is no clock here."""

from collections.abc import Iterable

__all__ = ("LONGEST", "LONGEST_POLL", "bounded", "earliest")

#: What stands for all longer times, in seconds: no process becomes 31 years old, and
#: the system counts nanoseconds in 64 bits, which is not ten times as long.
LONGEST = 1e9

#: The most seconds of one call of poll(2), or epoll_wait(2): they count milliseconds in
#: an int. Who waits for longer calls again.
LONGEST_POLL = 1e6


def bounded(seconds: float) -> float:
    """Return a length of time that neither the system nor a sum is too small for.

    :param seconds: how long, at most; an integer may be greater than any float.
    """
    return min(seconds, LONGEST)


def earliest(times: Iterable[float | None]) -> float | None:
    """Return the first of these times; None where there is none.

    :param times: None among them stands for what is not due at any time.
    """
    return min((one for one in times if one is not None), default=None)
