# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The looping calls of a process, as they are now."""

from typing import Any

from oslo_service import backend
from oslo_service._common import frames, naming
from oslo_service.backdoor import running_loops

__all__ = ("of_process",)


def of_process() -> list[dict[str, Any]]:
    """Return the looping calls that run in this process."""
    return [
        _value(one)
        for driver in backend.in_use()
        for one in running_loops.found_in(
            frames.stacks_of(driver.task_frames, driver.current_ident())
        )
    ]


def _value(found: running_loops.RunningLoop) -> dict[str, Any]:
    return {
        "name": naming.describe(found.loop.f),
        "kind": type(found.loop).__name__,
        "interval": found.interval,
        "state": "pausing" if found.pausing else "running",
        "last_run": _rounded(found.last_run),
        "next_run": _rounded(found.next_run),
        "late": _rounded(found.late),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
