# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the library does wrong in a program, for tests of who watches it."""

from typing import Any

__all__ = ("FAULTS", "begin")

#: Each breaks a promise.
FAULTS = (
    "trusts a lease that is over",
    "does not wait for the skew",
)


def begin(fault: str | None) -> None:
    """Have a fault from now on; None: have none."""
    if fault is None:
        return
    assert fault in FAULTS, fault
    from oslo_service.clustering import due_times, lease

    if fault == "trusts a lease that is over":
        of: Any = lease.Lease
        of.is_sure = lambda self, _now: self.held
    else:
        times: Any = due_times.DueTimes
        make = times.__init__

        def make_badly(self: Any, *args: Any, **kwargs: Any) -> None:
            make(self, *args, **kwargs)
            self._skew = -3.0

        times.__init__ = make_badly
