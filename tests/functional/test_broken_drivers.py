# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The conformance suite fails drivers that are wrong, and says what is.

One that is right passes, whatever it is called.
"""

import dataclasses
import functools
import itertools
import os
import re
import signal
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import pytest
from broken_drivers.catalogue import FAMILIES, MUTANTS, SOUND

from oslo_service.testing.waiting import python_path

HERE = Path(__file__).parent
# For how long a broken driver is waited for, in seconds: most of them hang somewhere.
LIMIT = 1.0
# How many of them are judged in one process, and in how many at a time.
SIZE, AT_ONCE = 18, 6
# How long that may take, in seconds, and how much is shown of what it prints.
PATIENCE, SHOWN = 600.0, 10000

# Whatever depends on the kind of the driver, in all parts of the suite.
DEPENDENT = [
    "test_back_door::TestEnds::test_one_that_nobody_uses_never_wakes_the_process",
    "test_back_door::TestWorkers::test_spawned_workers_have_them_too",
    "test_console::TestHelpers",
    "test_lifecycle::TestOneProcess",
    "test_prepared_process",
    "test_primitives::TestCancelAndStop",
    "test_primitives::TestFrames",
    "test_signals::test_an_idle_process_reacts_to_a_signal_without_polling",
]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the suite says of drivers.

    :ivar broken: the sentences of the contract, as they are listed at the end.
    :ivar failed: the tests that failed, as ``Class::test``, by the name of the driver.
    """

    status: int
    broken: list[str]
    failed: dict[str, set[str]]
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
    classes = [one.class_ for one in MUTANTS.values()] + [*SOUND.values()]
    entries = [f"{one.name} = {one.__module__}:{one.__qualname__}" for one in classes]
    text = "\n".join(["[oslo_service.backend]", *entries, ""])
    (metadata / "entry_points.txt").write_text(text)
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.fixture
def judge(place):
    def judge(drivers, selection, *arguments, limit=LIMIT):
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-rf", "-W", "ignore"),
            *("-p", "no:cacheprovider", *arguments),
            *(f"--backend={driver}" for driver in drivers),
            "--pyargs",
            *(f"oslo_service.testing.{one}" for one in selection),
        ]
        env = {
            **os.environ,
            "PYTHONPATH": python_path(place, HERE),
            "XDG_CACHE_HOME": str(place),
            "OSLO_SERVICE_TESTING_LIMIT": str(limit),
            "COLUMNS": "200",
        }
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=place / "empty",
            timeout=PATIENCE,
        )
        return verdict_of(done, drivers)

    return judge


def verdict_of(done: subprocess.CompletedProcess[str], drivers) -> Verdict:
    text = done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", text)
    failed: dict[str, set[str]] = {}
    for test, parameters in re.findall(
        r"^FAILED \S*?::(\S+?)\[(\S+)", text, re.MULTILINE
    ):
        called = [one for one in drivers if re.match(rf"{one}[-\]]", parameters)]
        failed.setdefault(max(called, key=len), set()).add(test)
    return Verdict(
        done.returncode,
        re.findall(r"^broken: (.*)$", text, re.MULTILINE),
        failed,
        int(passed[1]) if passed else 0,
        text,
    )


def groups():
    """Give those that are judged in one process: some of a family, or one alone."""
    for family in FAMILIES:
        every = [
            one for one in MUTANTS.values() if one.class_.__module__ == family.__name__
        ]
        together = [one for one in every if not one.alone]
        for start in range(0, len(together), SIZE):
            yield together[start : start + SIZE]
        yield from ([one] for one in every if one.alone)


def missed_by(judge, group):
    """Return what should have been found and was not, and why.

    What a busy machine may hide is looked for again, of each alone.
    """
    missed = looked_for(judge, group)
    for name in [*missed]:
        missed[name] = looked_for(judge, [MUTANTS[name]]).get(name)
    return [*filter(None, missed.values())]


def looked_for(judge, group):
    """Return, by name, what was missed of whom, and what was said."""
    tests = [test for one in group for test in one.found_by]
    verdict = judge(
        [one.name for one in group],
        sorted({test.partition("::")[0] for test in tests}),
        *("-p", "broken_drivers.only_these"),
    )
    return {
        one.name: f"{one.name}: {test}\n{verdict.text[-SHOWN:]}"
        for one in group
        for test in one.found_by
        if not any(
            found.startswith(test.partition("::")[2])
            for found in verdict.failed.get(one.name, ())
        )
    }


@pytest.mark.starts_processes
@pytest.mark.timeout(PATIENCE)
def test_every_driver_that_is_wrong_is_found(judge):
    # At once: most of the time they wait for what does not happen.
    with futures.ThreadPoolExecutor(AT_ONCE) as pool:
        missed = [*pool.map(functools.partial(missed_by, judge), groups())]

    assert not any(missed), "\n".join(itertools.chain(*missed))


def test_there_are_many_that_are_wrong():
    assert len(MUTANTS) > 120


# The driver for gevent has all of the suite run on it elsewhere.
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("driver", sorted({*SOUND} - {"on-gevent"}))
def test_a_driver_that_is_right_passes_whatever_it_is_called(judge, driver):
    verdict = judge([driver], DEPENDENT, limit=60.0)

    assert verdict.status == 0, verdict.text
    assert verdict.passed > 20, verdict.text


def test_what_is_wrong_is_said_and_nothing_else(judge):
    verdict = judge(
        ["endless-waits"],
        [f"test_primitives::Test{one}" for one in ("Events", "Tasks", "Links")],
        *("-k", "not handler and not setters and not forever"),
    )

    assert verdict.status == 1, verdict.text
    (failed,) = verdict.failed.values()
    assert {one.partition("::")[0] for one in failed} == {"TestEvents"}, verdict.text
    assert verdict.breaks("events: wait says that the time was over and not before")
    assert "it hangs" in verdict.text
    assert "    most likely event(): " in verdict.text
    assert verdict.passed > 15


def test_a_module_whose_first_tests_time_out_is_ended(judge):
    verdict = judge(["nothing-begins"], ["test_primitives::TestTasks"], limit=0.2)

    assert verdict.status == 1, verdict.text
    assert len(verdict.failed["nothing-begins"]) == 3, verdict.text
    assert "is ended on the driver 'nothing-begins': its first 3 tests have all" in (
        verdict.text
    )


def test_processes_that_are_left_behind_are_named_with_their_test(judge):
    test = "TestTasks::test_wait_gives_the_result_of_the_call"
    verdict = judge(["processes-are-left"], [f"test_primitives::{test}"])

    line = re.compile(r"process (\d+) of \S*(Test\w+::\w+)\S*: 'sleep 60")
    found = line.findall(verdict.text)
    for pid, _ in found:
        os.kill(int(pid), signal.SIGKILL)
    assert [one for _, one in found] == [test], verdict.text


def test_an_unknown_driver_is_refused_with_those_that_are_installed(judge):
    verdict = judge(["mine"], ["test_primitives"])

    assert verdict.status == 4, verdict.text
    assert "no driver is called 'mine'; installed are: " in verdict.text
    assert "polling" in verdict.text


def test_what_a_driver_cannot_do_is_listed(judge):
    verdict = judge(["threading"], ["test_primitives::TestCancelAndStop"], limit=60.0)

    assert verdict.status == 0, verdict.text
    assert "not provided by the driver 'threading': kill_tasks (7 skipped)" in (
        verdict.text
    )
