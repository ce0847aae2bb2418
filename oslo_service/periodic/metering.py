# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is measured of periodic tasks, where metrics are on."""

from typing import Any

from oslo_service._common import clock, instruments

__all__ = ("run",)

_DURATION = instruments.Measure(
    "periodic_task_duration_seconds", "How long periodic tasks took."
)
_FAILURES = instruments.Measure("periodic_task_failures", "Periodic tasks that failed.")


def run(name: str, task: Any, owner: Any, context: Any) -> Any:
    """Run a periodic task, and measure it where metrics are on.

    :param name: the task's, for the label.
    """
    meters = instruments.meters()
    if meters is None:
        return task(owner, context)
    labels, began = (("task", name),), clock.now()
    try:
        return task(owner, context)
    except BaseException:
        meters.count(_FAILURES, labels)
        raise
    finally:
        meters.took(_DURATION, clock.now() - began, labels)
