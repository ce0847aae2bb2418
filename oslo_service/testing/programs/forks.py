# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that forks again and again, and looks at what has crossed.

Run as ``python -m oslo_service.testing.programs.forks DRIVER SECONDS``; it prints what
it has found as JSON: for each check, what is wrong, or null.
"""

import functools
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable

from oslo_service import backend
from oslo_service.backend.base import Driver

__all__ = ("CHECKS", "main")

# How long what is waited for may take, in seconds.
_limit = 30.0

# The status of a child in which all was well: one that ends of itself has another.
_WELL = 7


def run_in_child(body: Callable[[], object]) -> int:
    """Fork; return the process, in which a call is made."""
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(int(_limit) + 1)
    status = 1
    try:
        body()
        status = _WELL
    except BaseException:  # noqa: BLE001 - a process ends here
        traceback.print_exc()
    finally:
        os._exit(status)


def check_in_child(driver: Driver, body: Callable[[], object]) -> None:
    """Make a call in a forked process, and see it end well."""
    await_child(driver, run_in_child(body))


def await_child(driver: Driver, pid: int) -> None:
    """Wait for the end of a process, letting other tasks run."""
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        driver.sleep(0.005)
    status = os.waitstatus_to_exitcode(ended[1])
    assert status == _WELL, f"the child ended early, or badly, with {status}"


def works(driver: Driver) -> None:
    """Check that everything works in this process."""
    assert driver.spawn(lambda: 5, name="new").wait(_limit) == 5, "tasks run"
    event = driver.event()
    assert event.wait(0.001) is False, "waits end in time"
    driver.spawn(event.set, name="setter")
    assert event.wait(_limit), "events work"
    with driver.semaphore() as taken:
        assert taken
    one, other = os.pipe()
    task = driver.spawn(lambda: driver.wait_ready([one], timeout=_limit), name="r")
    driver.sleep(0.001)
    os.write(other, b"!")
    assert task.wait(_limit) == ([one], []), "readiness works"
    executor = driver.executor(1)
    assert executor.submit(pow, 2, 3).result() == 8, "executors work"
    executor.shutdown(wait=False)
    native = driver.event()
    driver.original("threading").Thread(target=native.set, daemon=True).start()
    assert native.wait(_limit), "other native threads wake tasks"


def a_forked_child_can_spawn_though_threads_were_idle(driver: Driver) -> None:
    """What the model keeps at hand is not there in a child."""
    for task in [driver.spawn(lambda: driver.sleep(0.001), name="x") for _ in range(5)]:
        task.wait(_limit)
    driver.sleep(0.05)
    check_in_child(driver, lambda: works(driver))


def a_fork_harms_nothing_in_the_parent(driver: Driver) -> None:
    """What runs in the parent runs on."""
    release = driver.event()
    tasks = [driver.spawn(lambda: release.wait(_limit), name="x") for _ in range(5)]
    driver.sleep(0.001)
    check_in_child(driver, lambda: works(driver))
    release.set()
    assert [task.wait(_limit) for task in tasks] == [True] * 5
    works(driver)


def what_was_about_to_begin_in_the_parent_does_not_begin(driver: Driver) -> None:
    """It begins in the parent, once."""
    ran: list[int] = []
    tasks = [
        driver.spawn(lambda: ran.append(os.getpid()), name="early") for _ in range(5)
    ]
    foreign = driver.original("threading").Thread(
        target=lambda: tasks.append(
            driver.spawn(lambda: ran.append(os.getpid()), name="foreign")
        )
    )
    foreign.start()
    foreign.join()

    def body() -> None:
        before = [*ran]
        works(driver)
        driver.sleep(0.02)
        assert ran == before, "what was about to begin in the parent begins in a child"

    check_in_child(driver, body)
    for task in tasks:
        task.wait(_limit)
    assert ran == [os.getpid()] * 6


def no_timer_of_the_parent_goes_off(driver: Driver) -> None:
    """Nor does anything else that wakes the parent's tasks."""
    woken: list[int] = []
    event, other = driver.event(), driver.event()
    waits: list[Callable[[], object]] = [
        lambda: driver.sleep(0.05),
        lambda: event.wait(0.05),
        lambda: driver.semaphore(0).acquire(timeout=0.05),
        lambda: other.wait(_limit),
    ]

    def wake(wait: Callable[[], object]) -> None:
        wait()
        woken.append(os.getpid())

    tasks = [
        driver.spawn(functools.partial(wake, wait), name="sleeper") for wait in waits
    ]
    driver.sleep(0.001)

    def body() -> None:
        before = [*woken]
        other.set()
        driver.sleep(0.1)
        assert woken == before, "the parent's tasks run on in a child"

    check_in_child(driver, body)
    other.set()
    for task in tasks:
        task.wait(_limit)
    assert woken == [os.getpid()] * 4


def the_parents_tasks_do_not_clean_up(driver: Driver) -> None:
    """Not even when they are collected."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    release = driver.event()

    def call() -> None:
        try:
            release.wait(_limit)
        finally:
            os.write(writer, b"%d;" % os.getpid())

    tasks = [driver.spawn(call, name="cleans up")]
    driver.sleep(0.001)

    def body() -> None:
        works(driver)
        tasks.clear()
        gc.collect()
        driver.sleep(0.001)

    check_in_child(driver, body)
    release.set()
    tasks[0].wait(_limit)
    assert os.read(reader, 100) == b"%d;" % os.getpid(), "the parent's alone cleans up"


def spawning_is_at_home_in_the_child(driver: Driver) -> None:
    """Also from another native thread of the child, and out of a signal handler."""

    def body() -> None:
        tasks: list[object] = []
        driver.spawn(int, name="the first is of the main thread")
        thread = driver.original("threading").Thread(
            target=lambda: tasks.append(driver.spawn(lambda: 3, name="foreign"))
        )
        thread.start()
        thread.join()
        assert tasks[0].wait(_limit) == 3  # type: ignore[attr-defined]
        done = driver.event()
        signal.signal(signal.SIGUSR1, lambda *_: driver.defer(done.set))
        os.kill(os.getpid(), signal.SIGUSR1)
        assert done.wait(_limit), "what is deferred runs in a child"

    driver.spawn(int, name="of the parent").wait(_limit)
    check_in_child(driver, body)


def a_child_may_fork(driver: Driver) -> None:
    """And so may its child."""

    def body() -> None:
        driver.spawn(lambda: driver.sleep(_limit), name="of the child")
        driver.sleep(0.001)
        works(driver)
        check_in_child(driver, lambda: works(driver))
        works(driver)

    check_in_child(driver, body)


def a_task_may_fork(driver: Driver) -> None:
    """What runs in the child is what ran in the task."""
    pids: list[int] = []
    driver.spawn(
        lambda: pids.append(run_in_child(lambda: works(driver))), name="forks"
    ).wait(_limit)
    await_child(driver, pids[0])
    works(driver)


def what_a_task_waits_for_can_be_waited_for_in_the_child(driver: Driver) -> None:
    """A descriptor is watched by each process for itself."""
    reader, writer = os.pipe()
    reading = driver.spawn(
        lambda: driver.wait_ready([reader], timeout=_limit), name="reads"
    )
    driver.sleep(0.001)

    def body() -> None:
        assert driver.wait_ready([reader], timeout=0.001) == ([], [])
        os.write(writer, b"!")
        assert driver.wait_ready([reader], timeout=_limit) == ([reader], [])

    check_in_child(driver, body)
    assert reading.wait(_limit) == ([reader], []), "the parent's wait goes on"


def nothing_runs_in_the_child(driver: Driver) -> None:
    """What counts as ended is not among what runs."""
    release = driver.event()
    task = driver.spawn(lambda: release.wait(_limit), name="inherited")
    driver.sleep(0.001)

    def body() -> None:
        assert not driver.running, "nothing runs in a fresh child"
        assert task.done, "the parent's tasks count as ended"
        assert task.join(0.0), "and nobody waits for them"

    check_in_child(driver, body)
    assert task in driver.running
    assert not task.done
    release.set()
    task.wait(_limit)


#: By their names, which are sentences.
CHECKS: dict[str, Callable[[Driver], None]] = {
    check.__name__: check
    for check in (
        a_forked_child_can_spawn_though_threads_were_idle,
        a_fork_harms_nothing_in_the_parent,
        what_was_about_to_begin_in_the_parent_does_not_begin,
        no_timer_of_the_parent_goes_off,
        the_parents_tasks_do_not_clean_up,
        spawning_is_at_home_in_the_child,
        a_child_may_fork,
        a_task_may_fork,
        what_a_task_waits_for_can_be_waited_for_in_the_child,
        nothing_runs_in_the_child,
    )
}


def main(name: str, limit: str) -> None:
    """Check everything, each in a process of its own, and print what is found."""
    global _limit
    _limit = float(limit)
    results: dict[str, str | None] = {}
    readers = {}
    for sentence, check in CHECKS.items():
        reader, writer = os.pipe()
        if not (pid := os.fork()):
            os.dup2(writer, 2)
            os.close(writer)
            _check_here(name, check)
        os.close(writer)
        readers[sentence] = (pid, reader)
    for sentence, (pid, reader) in readers.items():
        with os.fdopen(reader, encoding="utf-8", errors="replace") as stream:
            said = stream.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        well = status == _WELL
        results[sentence] = None if well else said or f"it ended with {status}"
    print(json.dumps(results))  # noqa: T201 - for who has started it


def _check_here(name: str, check: Callable[[Driver], None]) -> None:
    # A signal that nobody handles ends it, also where no thread can run.
    signal.alarm(int(2 * _limit) + 2)
    status = 1
    try:
        backend.init_backend(name)
        check(backend.get_backend())
        status = _WELL
    except BaseException:  # noqa: BLE001 - a process ends here
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
