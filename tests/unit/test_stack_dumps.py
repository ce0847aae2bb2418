# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The stacks of a process, and how much memory it uses: had without its help."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from oslo_service._common import memory
from oslo_service.supervisor.workers import stack_dumps
from oslo_service.supervisor.workers.stacks import Stacks
from oslo_service.testing.waiting import LIMIT, run_script

SLEEPER = "import sys, time; print(flush=True); time.sleep(600)"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that knows nothing of this."""
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_one_that_does_not_listen_is_left_alone(sleeper) -> None:
    stack_dumps.request_stacks(sleeper.pid)
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.2)


def test_one_that_is_stopped_is_described(sleeper) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)
    assert f"Thread {sleeper.pid} (" in stack_dumps.describe(sleeper.pid)
    assert ": stopped" in stack_dumps.describe(sleeper.pid)


def test_of_one_that_is_gone_nothing_is_known() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert stack_dumps.describe(process.pid) == ""
    assert memory.pss(process.pid) is None
    stack_dumps.request_stacks(process.pid)


def test_its_memory_is_what_it_has_for_itself(sleeper) -> None:
    size = memory.pss(sleeper.pid)
    assert size is not None
    assert 1 << 20 < size < 1 << 30


def test_one_that_listens_leaves_its_stacks_though_it_never_gives_up_the_gil() -> None:
    part = Stacks.make().of(3)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            fd = part.open()
            assert fd is not None
            stack_dumps.listen(fd)
            os.write(writer, b"x")
            while True:
                pass
        finally:
            os._exit(1)
    os.read(reader, 1)
    try:
        stack_dumps.request_stacks(pid)
        end, text = time.monotonic() + LIMIT, ""
        while "test_stack_dumps.py" not in text:
            assert time.monotonic() < end
            text += part.text()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)


def test_what_a_worker_has_failed_of_is_left_in_one_line_and_read_once() -> None:
    stacks = Stacks.make()
    part, other = stacks.of(1), stacks.of(2)
    fd = part.open()
    assert fd is not None
    part.leave_error(fd, ValueError("two\nlines"))
    assert other.error() == ""
    assert part.error() == "ValueError: two lines"
    assert part.error() == ""
    part.leave_error(fd, ValueError("x" * 10_000))
    assert len(part.error()) == 4096
    os.close(fd)
    stacks.close()


BURST = """
import faulthandler, os, signal, sys
from oslo_service.supervisor.workers import stack_dumps

fd = os.memfd_create("stacks")
if "enabled" in sys.argv:
    faulthandler.enable(fd)
stack_dumps.listen(fd)
handled = []
signals = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGHUP}
if "burst" in sys.argv:
    signals |= {*range(signal.SIGRTMIN, signal.SIGRTMAX)}
for one in signals:
    signal.signal(one, lambda signum, _: handled.append(signum))
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
for one in signals:
    os.kill(os.getpid(), one)
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
stack_dumps.request_stacks(os.getpid())
print(set(handled) == signals, b"<module>" in os.pread(fd, 4096, 0))
"""


@pytest.mark.parametrize("how", ["burst", "enabled"])
def test_who_listens_handles_signals_as_before(how: str) -> None:
    # Those that arrive together are handled one on top of the other.
    done = run_script(BURST, how)
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout == "True True\n"
