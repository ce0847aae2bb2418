# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the service in the storm does wrong, for tests of who watches it."""

import itertools
import os
import subprocess
import time
from typing import Any

__all__ = ("FAULTS", "begin", "on_accepted", "status")

#: Each breaks a promise.
FAULTS = (
    "loses a worker",
    "leaves a child",
    "drops a request",
    "does not end",
    "ends with another status",
    "dies",
    "leaks descriptors",
    "leaks memory",
)

_present: set[str] = set()
_accepted = itertools.count(1)
_signals = itertools.count(1)
_hoard: list[Any] = []


def begin(fault: str | None) -> None:
    """Have a fault from now on; None: have none."""
    if fault is None:
        return
    assert fault in FAULTS, fault
    _present.add(fault)
    if fault == "leaves a child":
        subprocess.Popen(["/bin/sleep", "600"])
    elif fault == "loses a worker":
        _lose_workers()
    elif fault in ("dies", "leaks descriptors", "leaks memory"):
        from oslo_service import service

        service.SignalHandler().add_handler("SIGUSR1", _on_usr1)


def _lose_workers() -> None:
    from oslo_service.supervisor.workers.state import PoolState

    attend = PoolState._attend

    def forget(self: Any, slot: Any, now: float) -> Any:
        if slot.index == 0 and slot.current is None and self._numbers > len(self.slots):
            return iter(())
        return attend(self, slot, now)

    vars_of: Any = PoolState
    vars_of._attend = forget


def _on_usr1(*_: Any) -> None:
    if "dies" in _present and next(_signals) > 5:
        os._exit(7)
    if "leaks descriptors" in _present and len(_hoard) < 100:
        _hoard.append(os.open("/dev/null", os.O_RDONLY))
    if "leaks memory" in _present and len(_hoard) < 500:
        _hoard.append(os.urandom(500_000))


def on_accepted(client: Any) -> None:
    """Do with a client what should not be done."""
    if "drops a request" in _present and next(_accepted) % 10 == 0:
        client.shutdown(2)


def status(right: int) -> int:
    """Return the status to end with, and take one's time."""
    if "does not end" in _present:
        time.sleep(600)
    return 3 if "ends with another status" in _present else right
