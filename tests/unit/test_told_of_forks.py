# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which drivers are told of a fork: those that something has run on."""

import pytest

from oslo_service.testing.waiting import run_script

pytestmark = pytest.mark.starts_processes

PROGRAM = """
import gc, os
from oslo_service.backend.threading import ThreadingDriver

class Told(ThreadingDriver):
    def __init__(self, name):
        super().__init__()
        self.called = name

    def after_fork(self):
        super().after_fork()
        os.write(1, f"{self.called} ".encode())
        if self.called == "wrong":
            raise RuntimeError("it is not usable")

drivers = [Told(name) for name in ("left", "idle", "wrong", "used")]
for driver in drivers:
    if driver.called != "idle":
        driver.spawn(int, name="a task").wait()
del drivers[0], driver
gc.collect()
if not os.fork():
    if not os.fork():  # nothing has run in its parent
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
"""


def test_those_that_something_has_run_on_are_and_others_are_not() -> None:
    done = run_script(PROGRAM)

    assert sorted(done.stdout.split()) == ["used", "wrong"], done.stderr
    assert "RuntimeError: it is not usable" in done.stderr
