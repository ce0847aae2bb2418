# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run periodic tasks side by side in processes, again and again."""

import time

from harness.inside import answer, role, select

select(role())

from oslo_config import cfg  # noqa: E402 - after the choice of the driver
from oslo_service import periodic_task  # noqa: E402

_PROCESSES = 2
_CALLS = 4


class Manager(periodic_task.PeriodicTasks):
    """Has two tasks that are due at every call."""

    @periodic_task.periodic_task(spacing=1e-6, run_immediately=True)
    def first(self, context):
        """Do nothing."""

    @periodic_task.periodic_task(spacing=1e-6, run_immediately=True)
    def second(self, context):
        """Do nothing."""


def main():
    """Return how long the first call takes, and how long those after it."""
    conf = cfg.ConfigOpts()
    conf([])
    manager = Manager(conf)
    times = []
    for _ in range(_CALLS):
        began = time.monotonic()
        manager.run_periodic_tasks_in_parallel(None, processes=_PROCESSES)
        times.append((time.monotonic() - began) * 1000)
    answer(first_ms=times[0], later_ms=sum(times[1:]) / (_CALLS - 1))


if __name__ == "__main__":
    main()
