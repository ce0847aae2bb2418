# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The conformance suite fails drivers that are wrong, and says what is.

One that is right passes, whatever it is called.
"""

import dataclasses
import re
from pathlib import Path

import pytest

from oslo_service.testing.waiting import python_path, run_python

HERE = Path(__file__).parent
DRIVERS = {
    "on-threads": "OnThreads",
    "on-green-threads": "OnGreenThreads",
    "endless-waits": "EndlessWaits",
    "locking-events": "LockingEvents",
    "round-times": "RoundTimes",
    "immortal-tasks": "ImmortalTasks",
    "lost-errors": "LostErrors",
    "polling": "Polling",
    "no-fork-hook": "NoForkHook",
    "in-turns": "InTurns",
    "lost-wake-ups": "LostWakeUps",
    "stale-wake-ups": "StaleWakeUps",
    "late-kills": "LateKills",
}

# What each is tried with: what it is wrong in, and what it is right in.
PRIMITIVES = [
    f"test_primitives::Test{one}"
    for one in (
        *("Tasks", "CancelAndStop", "Events", "Semaphores"),
        *("Readiness", "Idleness", "AfterFork"),
    )
]

# What is wrong only where several meet.
SYNCHRONIZATION = [
    f"test_primitives::Test{one}" for one in ("Events", "EventsOfThree", "Links")
]


# Whatever depends on the kind of the driver, in all parts of the suite.
DEPENDENT = [
    "test_back_door::TestEnds::test_one_that_nobody_uses_never_wakes_the_process",
    "test_back_door::TestWorkers::test_spawned_workers_have_them_too",
    "test_console::TestHelpers",
    "test_lifecycle::TestOneProcess",
    "test_orders::test_an_idle_process_reacts_to_a_signal_without_polling",
    "test_prepared_process",
    "test_primitives::TestCancelAndStop",
    "test_primitives::TestFrames",
]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the suite says of a driver.

    :ivar broken: the sentences of the contract, as they are listed at the end.
    :ivar failed: the classes of the tests that failed.
    """

    status: int
    broken: list[str]
    failed: set[str]
    passed: int
    text: str

    def breaks(self, sentence):
        return any(sentence in one for one in self.broken)


@pytest.fixture
def place(tmp_path):
    """Where the drivers are installed, as a distribution of their own."""
    metadata = tmp_path / "broken_drivers-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken-drivers\nVersion: 1.0\n"
    )
    entries = [f"{name} = broken_drivers:{class_}" for name, class_ in DRIVERS.items()]
    text = "\n".join(["[oslo_service.backend]", *entries, ""])
    (metadata / "entry_points.txt").write_text(text)
    return tmp_path


@pytest.fixture
def judge(place, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()

    def judge(driver, *selection, limit=8.0):
        done = run_python(
            *("-m", "pytest", "-q", "-rf", "-W", "ignore", "-p", "no:cacheprovider"),
            *("--backend", driver, "--pyargs"),
            *(f"oslo_service.testing.{one}" for one in selection),
            env={
                "PYTHONPATH": python_path(place, HERE),
                "XDG_CACHE_HOME": str(place),
                "OSLO_SERVICE_TESTING_LIMIT": str(limit),
                "COLUMNS": "200",
            },
            cwd=folder,
        )
        text = done.stdout + done.stderr
        passed = re.search(r"(\d+) passed", text)
        return Verdict(
            done.returncode,
            re.findall(r"^broken: (.*)$", text, re.MULTILINE),
            set(re.findall(r"^FAILED \S*?::(\w+)", text, re.MULTILINE)),
            int(passed[1]) if passed else 0,
            text,
        )

    return judge


@pytest.mark.parametrize("driver", ["on-threads", "on-green-threads"])
def test_a_driver_that_is_right_passes_whatever_it_is_called(judge, driver):
    verdict = judge(driver, *DEPENDENT, limit=60.0)

    assert verdict.status == 0, verdict.text
    assert verdict.passed > 20, verdict.text


def test_an_event_that_ignores_its_time_out_is_found(judge):
    verdict = judge(
        "endless-waits",
        "test_primitives::TestEvents",
        "test_primitives::TestTasks",
        "test_primitives::TestLinks",
        limit=3.0,
    )

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestEvents"}, verdict.text
    assert verdict.breaks("events: wait says that the time was over and not before")
    assert "it hangs" in verdict.text
    assert verdict.passed > 15


def test_an_event_that_takes_a_lock_is_found(judge):
    verdict = judge("locking-events", *PRIMITIVES, limit=3.0)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestEvents"}, verdict.text
    assert len(verdict.broken) == 1
    assert verdict.breaks("events: set in a signal handler waits for no lock")
    assert verdict.passed > 40


def test_times_that_are_rounded_are_found(judge):
    sleep = "test_primitives::TestSleep"
    verdict = judge("round-times", *PRIMITIVES, sleep, limit=8.0)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestEvents", "TestSemaphores", "TestSleep"}, verdict.text
    assert verdict.breaks("events: wait says that the time was over and not before")
    assert verdict.breaks("sleep: sleep returns when the time is over and not before")
    assert "a wait of 0.0037 s is not rounded" in verdict.text
    assert "a wait never ends early" in verdict.text
    assert verdict.passed > 40


def test_a_stop_that_does_nothing_though_declared_is_found(judge):
    verdict = judge("immortal-tasks", *PRIMITIVES, limit=3.0)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestCancelAndStop", "TestSemaphores"}, verdict.text
    assert verdict.breaks("cancel and stop: stop kills a running task")
    assert "a killed task ends" in verdict.text
    assert verdict.passed > 40


def test_a_group_that_loses_exceptions_is_found(judge):
    verdict = judge(
        "lost-errors", *PRIMITIVES, "test_threadgroup::TestThreads", limit=3.0
    )

    assert verdict.status == 1, verdict.text
    assert verdict.breaks("tasks: wait raises what the call raised")
    group = [one for one in verdict.broken if "groups" in one]
    assert any("rais" in one for one in group), verdict.text
    assert "TestEvents" not in verdict.failed
    assert "TestReadiness" not in verdict.failed
    assert verdict.passed > 40


def test_a_wait_ready_that_polls_is_found(judge):
    verdict = judge("polling", *PRIMITIVES)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestIdleness"}, verdict.text
    assert len(verdict.broken) == 1
    assert verdict.breaks("a task that waits does not wake up in between")
    assert "what waits must not poll" in verdict.text
    assert verdict.passed > 40


def test_a_fork_hook_that_is_missing_is_found(judge):
    verdict = judge("no-fork-hook", *PRIMITIVES)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestAfterFork"}, verdict.text
    assert verdict.breaks("a forked child is usable and its parent undisturbed")
    assert "nothing runs in a fresh child" in verdict.text
    assert verdict.passed > 40


def test_a_spawn_that_waits_is_found(judge):
    verdict = judge(
        "in-turns",
        "test_primitives::TestTasks::test_tasks_run_concurrently",
        "test_primitives::TestOriginalModules",
        limit=3.0,
    )

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestTasks"}, verdict.text
    assert verdict.breaks("tasks: tasks run concurrently")


def test_an_event_that_loses_wake_ups_is_found(judge):
    verdict = judge("lost-wake-ups", *SYNCHRONIZATION, limit=3.0)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestEventsOfThree"}, verdict.text
    assert verdict.breaks("a pulse wakes every waiter")
    assert verdict.passed > 20


def test_an_event_that_ends_other_waits_is_found(judge):
    verdict = judge("stale-wake-ups", *SYNCHRONIZATION, limit=8.0)

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestEventsOfThree"}, verdict.text
    assert verdict.breaks("what is set while somebody begins to wait ends no other")
    assert "set() ends the waits for its event, and no other" in verdict.text
    assert verdict.passed > 20


def test_a_kill_that_hits_an_ended_task_is_found(judge):
    verdict = judge(
        "late-kills",
        "test_primitives::TestCancelAndStop",
        "test_primitives::TestLinks",
        limit=3.0,
    )

    assert verdict.status == 1, verdict.text
    assert verdict.failed == {"TestCancelAndStop"}, verdict.text
    assert verdict.breaks("a kill that meets the end harms no link")
    assert verdict.passed > 10


def test_an_unknown_driver_is_refused_with_those_that_are_installed(judge):
    verdict = judge("mine", "test_primitives")

    assert verdict.status == 4, verdict.text
    assert "no driver is called 'mine'; installed are: " in verdict.text
    assert "polling" in verdict.text


def test_what_a_driver_cannot_do_is_listed(judge):
    verdict = judge("threading", "test_primitives::TestCancelAndStop")

    assert verdict.status == 0, verdict.text
    assert "not provided by the driver 'threading': kill_tasks (7 skipped)" in (
        verdict.text
    )
