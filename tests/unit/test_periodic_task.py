# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks: what is not so on every driver."""

from oslo_service import periodic_task
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


class Settings:
    """All of a configuration that a project's test gives to its periodic tasks."""

    run_external_periodic_tasks = True

    def register_opts(self, options):
        self.registered = [one.name for one in options]


def test_a_stand_in_for_a_configuration_needs_register_opts_only() -> None:
    class Tasks(periodic_task.PeriodicTasks):
        @periodic_task.periodic_task(run_immediately=True, external_process_ok=True)
        def note(self, context):
            context.append("run")

    seen = []
    tasks = Tasks(Settings())
    tasks.run_periodic_tasks(seen)

    assert seen == ["run"]
    assert tasks.conf.registered == ["run_external_periodic_tasks"]
