# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks: what is not so on every driver."""

from oslo_service.testing.waiting import run_script

TIME_OUT = """
import eventlet
eventlet.monkey_patch()

import time
from oslo_config import cfg
from oslo_service import periodic_task


class Tasks(periodic_task.PeriodicTasks):
    @periodic_task.periodic_task(run_immediately=True)
    def slow(self, context):
        with eventlet.Timeout(0.01):
            time.sleep(60)

    @periodic_task.periodic_task(run_immediately=True)
    def after(self, context):
        print("after")


print(Tasks(cfg.ConfigOpts()).run_periodic_tasks(None) > 0)
"""


def test_a_time_out_of_eventlets_fails_one_task_and_is_logged() -> None:
    result = run_script(TIME_OUT)

    assert result.returncode == 0, result.stderr
    assert result.stdout == "after\nTrue\n"
    assert "Error during Tasks.slow" in result.stderr
