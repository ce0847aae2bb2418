# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When to feed systemd's watchdog: sd_watchdog_enabled(3). Without I/O.

Times are monotonic, in seconds, and always given by the caller.
"""

import os
from collections.abc import Mapping

from oslo_service._common import digits, times

__all__ = ("Watchdog", "interval")


def interval(environment: Mapping[str, str]) -> float | None:
    """Return the seconds after which a process that is silent is taken for hung.

    :param environment: the variables.
    :returns: None: no watchdog watches this process.
    :raises ValueError: ``WATCHDOG_USEC`` is not a number of microseconds.
    """
    text = environment.get("WATCHDOG_USEC")
    if text is None or environment.get("WATCHDOG_PID", str(os.getpid())) != str(
        os.getpid()
    ):
        return None
    microseconds = digits.read(text)
    if not microseconds:
        raise ValueError(
            f"WATCHDOG_USEC is a number of microseconds, 1 or more, not {text!r}"
        )
    return times.bounded(microseconds / 1e6)


class Watchdog:
    """Wants to be fed at half of its interval, while all is well.

    :param seconds: its interval.
    """

    def __init__(self, seconds: float) -> None:
        self._pause = seconds / 2
        self._due: float | None = None
        self._withheld = False

    def begin(self, now: float) -> None:
        """Take note that it watches from now on."""
        self._due = now + self._pause

    @property
    def deadline(self) -> float | None:
        """When :meth:`is_fed` has more to say even if nothing happens."""
        return None if self._withheld else self._due

    @property
    def withheld(self) -> bool:
        """Whether it should have been fed, and was not."""
        return self._withheld

    def is_fed(self, *, healthy: bool, now: float) -> bool:
        """Decide whether to feed it now; it counts as done."""
        if self._due is None or now < self._due:
            return False
        self._withheld = not healthy
        if healthy:
            self._due = now + self._pause
        return healthy
