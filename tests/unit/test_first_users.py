# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Two threads that are the first to use something at once share it."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from oslo_service import backend, service, threadgroup
from oslo_service._common.fork_safety import ThisProcess
from oslo_service.backend import _state as selection
from oslo_service.supervisor.signals import Signals
from oslo_service.testing.waiting import (
    LIMIT,
    between_lines,
    in_another_thread,
    until,
)

# How long another thread is given, where it may need what this one holds, in seconds.
_PATIENCE = 0.005


class Idle(service.ServiceBase):
    """It has nothing to do."""

    def start(self) -> None:
        """Begin nothing."""

    def stop(self) -> None:
        """End nothing."""

    def wait(self) -> None:
        """Wait for nothing."""

    def reset(self) -> None:
        """Read nothing."""


@pytest.fixture
def driver(undecided) -> Any:
    """What this process runs on: native threads."""
    backend.init_backend("threading")
    return backend.get_backend()


def at_every_line(
    driver: Any, attempt: Callable[[], tuple[Callable[[], Any], Callable[[], Any]]]
) -> None:
    """Have a thread do something before each line of what another one does.

    :param attempt: gives what both do, afresh, and what is done afterwards.
    """
    number, reached = 1, True
    while reached:
        call, check = attempt()
        threads: list[Any] = []

        def intrude(call: Any = call, threads: Any = threads) -> None:
            threads.append(in_another_thread(driver, call, _PATIENCE))

        reached, _ = between_lines(number, intrude, call)
        for thread in threads:
            thread.join(LIMIT)
        check()
        number += 1


def test_a_group_in_a_forked_process_has_its_members_once(driver) -> None:
    def attempt() -> tuple[Callable[[], Any], Callable[[], Any]]:
        group, seen = threadgroup.ThreadGroup(), []
        parents = group._members.here()
        parents.process = ThisProcess()
        parents.process.left = True  # as in a fork
        group._members._by_process.clear()

        def check() -> None:
            assert len({id(one) for one in [*seen, group._members.here()]}) == 1
            assert parents not in seen

        return (lambda: seen.append(group._members.here())), check

    at_every_line(driver, attempt)


@pytest.mark.parametrize("kind", ["Launcher", "ProcessLauncher"])
def test_a_launcher_runs_what_two_threads_launch_first(driver, undecided, kind) -> None:
    how = {"no_fork": True} if kind == "ProcessLauncher" else {}

    def attempt() -> tuple[Callable[[], Any], Callable[[], Any]]:
        launcher = getattr(service, kind)(undecided, **how)
        services = [Idle(), Idle()]
        left = list(services)

        def check() -> None:
            unit = launcher._unit if how else launcher.services._runner
            launched = {id(one) for one in services if one not in left}
            until(
                driver,
                lambda: set(map(id, unit.services)) == launched,
                "what was launched is there",
            )
            launcher.stop()
            assert launcher.wait() == 0

        return (lambda: launcher.launch_service(left.pop())), check

    at_every_line(driver, attempt)


def test_a_fork_while_another_thread_decides_on_a_driver_can_decide_itself(
    driver,
) -> None:
    held, over = threading.Event(), threading.Event()

    def decide() -> None:
        with selection.current().lock:
            held.set()
            over.wait(LIMIT)

    thread = threading.Thread(target=decide, daemon=True)
    thread.start()
    assert held.wait(LIMIT)
    try:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(5)
            with selection.current().lock:
                os._exit(0)
    finally:
        over.set()
        thread.join(LIMIT)

    assert os.waitpid(pid, 0)[1] == 0


class Waker:
    """Notes that it was called."""

    def __init__(self) -> None:
        self.called = threading.Event()
        self.wake = self.called.set


def test_a_handler_that_a_thread_adds_is_installed_when_that_returns(
    driver, caplog
) -> None:
    def handler(*_: object) -> None:
        pass

    number, reached = 1, True
    while reached:
        signals, waker, found = Signals(), Waker(), []
        signals._waker = waker  # type: ignore[assignment]

        def add(signals: Any = signals, found: Any = found) -> None:
            signals.add(signal.SIGUSR1, handler)
            found.append(signal.getsignal(signal.SIGUSR1))

        threads: list[Any] = []

        def intrude(add: Any = add, threads: Any = threads) -> None:
            threads.append(in_another_thread(driver, add, _PATIENCE))

        reached, _ = between_lines(number, intrude, signals.install)
        if threads:
            assert waker.called.wait(LIMIT)
            signals.install()
            threads[0].join(LIMIT)
            assert found == [signals._caught]
        signals.remove(signal.SIGUSR1, handler)
        number += 1
    assert "busy" not in caplog.text
