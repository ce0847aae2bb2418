# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The clocks of a cluster: of leases, and of due times."""

import time

from oslo_service._common.fork_safety import Inherited
from oslo_service.loops import clock

__all__ = ("Clocks",)

# By how much the time of day is ahead of the monotonic time; for manual clocks only.
_offset = Inherited(lambda: round(time.time() - clock.Clock().now()))


class Clocks:
    """The time since boot, and the time of day; under a manual clock both are its."""

    def since_boot(self) -> float:
        """Return the seconds since the machine was booted, its sleep included."""
        if type(clock.current) is not clock.Clock:
            return clock.now()
        # Where there is no such clock, machines that sleep break the promise.
        which = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return time.clock_gettime(which)

    def time_of_day(self) -> float:
        """Return the seconds since the epoch."""
        if type(clock.current) is not clock.Clock:
            return clock.now() + _offset.get()
        return time.time()
