# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Time limits that a loaded machine does not make unfair."""

import time
from pathlib import Path

__all__ = ("Patience",)

# For how long any program has waited for a processor: the kernel's
# accounting/psi.rst.
_PRESSURE = Path("/proc/pressure/cpu")
# How much longer than a limit is waited at most, however loaded the machine is.
_STRETCH = 8.0
# By how much, where the system does not tell.
_BLIND_STRETCH = 3.0


class Patience:
    """Counts time from now on, without what the machine kept its programs waiting."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._stalled_before = _stalled()

    @property
    def elapsed(self) -> float:
        """How long ago it was made, in seconds."""
        return time.monotonic() - self._begun

    @property
    def stalled(self) -> float:
        """For how long of that some program has waited for a processor, at most."""
        stalled, elapsed = _stalled(), self.elapsed
        if stalled is None or self._stalled_before is None:
            return elapsed * (1 - 1 / _BLIND_STRETCH)
        return min(stalled - self._stalled_before, elapsed * (1 - 1 / _STRETCH))

    @property
    def used(self) -> float:
        """How much of the time counts."""
        return self.elapsed - self.stalled


def _stalled() -> float | None:
    try:
        text = _PRESSURE.read_text(encoding="ascii")
    except OSError:
        return None
    return int(text.partition("total=")[2].split()[0]) / 1e6
