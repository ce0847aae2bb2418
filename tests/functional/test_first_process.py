# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that is the first process of a container: unshare(1) makes one."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from oslo_service.testing.live import DAEMON, LIMIT, Live, children, live

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def is_allowed() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(
    not is_allowed(), reason="unshare(1) may make no namespace of processes here"
)


class Container:
    """A program in a namespace of its own.

    :ivar first: the first process of the namespace, as it is called outside.
    """

    def __init__(self, program: Live) -> None:
        self.program = program
        program.until(lambda: children(program.pid), "there is a first process")
        (self.first,) = children(program.pid)

    def kill(self, signum: int) -> None:
        """Signal the first process, as a container's runtime does."""
        os.kill(self.first, signum)

    def left(self) -> list[str]:
        """Return who has the first process for a parent, but the program."""
        count = len(self.program.events("left"))
        self.kill(signal.SIGUSR1)
        told = self.program.expect("left", count + 1)[-1]["of"]
        return [one for one in told if "python" not in one]

    def until_nobody_is_left(self) -> None:
        """Wait until only the program, and what it has started, is there."""
        end = time.monotonic() + LIMIT
        while self.left():
            assert time.monotonic() < end, "what is left to it stays"


@contextlib.contextmanager
def contained(driver: str, **plan: Any) -> Iterator[Container]:
    program = DAEMON.with_name("contained.py")
    with live(driver, program=program, before=UNSHARE, **plan) as one:
        yield Container(one)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_reaps_what_is_left_to_it_and_nobody_else(driver_name, workers) -> None:
    with contained(driver_name, workers=workers) as container:
        program = container.program
        program.expect("started", workers)
        program.expect("waiting")
        assert 1 not in program.pids("waiting")
        container.until_nobody_is_left()
        container.kill(signal.SIGUSR2)
        assert program.expect("child")[0]["status"] == 7
        container.kill(signal.SIGTERM)
        assert program.wait() == 0
        assert program.expect("last", status=0)


def test_it_ends_with_the_programs_status(driver_name) -> None:
    with contained(driver_name, traits=["failing start"]) as container:
        assert container.program.wait() == 1
        assert container.program.expect("last", status=1)


def test_it_ends_as_the_program_that_is_killed(driver_name) -> None:
    with contained(driver_name, workers=2) as container:
        container.program.expect("started", 2)
        container.program.expect("waiting")
        (program,) = [one for one in children(container.first) if children(one)]
        os.kill(program, signal.SIGKILL)
        assert container.program.wait() == 128 + signal.SIGKILL


def test_a_launcher_sees_to_it_where_the_program_has_not(tmp_path) -> None:
    with contained("threading", workers=2, traits=["unpatched"]) as container:
        program = container.program
        program.expect("started", 2)
        program.expect("waiting")
        assert 1 not in program.pids("waiting")
        container.kill(signal.SIGTERM)
        assert program.wait() == 0


def test_where_it_is_too_late_it_says_so_and_serves_all_the_same() -> None:
    traits = ["unpatched", "early thread"]
    with contained("threading", workers=2, traits=traits) as container:
        program = container.program
        program.expect("started", 2)
        program.expect_text("it reaps only what comes from its workers")
        program.expect("waiting")
        assert program.pids("waiting") == [1]
        container.until_nobody_is_left()
        container.kill(signal.SIGUSR2)
        assert program.expect("child")[0]["status"] == 7
        container.kill(signal.SIGTERM)
        assert program.wait() == 0
