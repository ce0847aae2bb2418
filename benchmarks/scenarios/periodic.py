# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Run a thousand periodic tasks that are due, and pass over as many that are not."""

import time

from harness.inside import answer, role, select

_TASKS = 1000
_PASSES = 20


def _work(_self, _context):
    return None


def _floor():
    tasks = [_work] * _TASKS
    began = time.process_time()
    for _ in range(_PASSES):
        for task in tasks:
            task(None, None)
    return (time.process_time() - began) / _PASSES / _TASKS * 1e6


def _managers(count, **arguments):
    from oslo_config import cfg
    from oslo_service import periodic_task

    def declare(number):
        def task(self, context):
            return _work(self, context)

        task.__name__ = task.__qualname__ = f"task_{number}"
        return periodic_task.periodic_task(**arguments)(task)

    tasks = {f"task_{number}": declare(number) for number in range(_TASKS)}
    made = type("Manager", (periodic_task.PeriodicTasks,), tasks)
    conf = cfg.ConfigOpts()
    conf([])
    return [made(conf) for _ in range(count)]


def _cpu(managers):
    began = time.process_time()
    for manager in managers:
        manager.run_periodic_tasks(None)
    return (time.process_time() - began) / len(managers) / _TASKS * 1e6


def main():
    """Return what a task costs, in microseconds of CPU."""
    if role() == "floor":
        answer(due_us=_floor())
        return
    select(role())
    due = _cpu(_managers(_PASSES, run_immediately=True, spacing=60))
    none_due = _cpu(_managers(1, spacing=3600) * _PASSES)
    answer(due_us=due, none_us=none_due)


if __name__ == "__main__":
    main()
