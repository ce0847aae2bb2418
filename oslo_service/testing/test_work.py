# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what is in progress is known, and the end waits for what users track."""

import contextlib
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oslo_service import loopingcall, threadgroup, work
from oslo_service.backend._executor_calls import ExecutorCalls
from oslo_service.backend.base import Driver, Event
from oslo_service.monitoring import work_in_progress
from oslo_service.supervisor import tracked_work
from oslo_service.testing.http_client import get, serving, write_options
from oslo_service.testing.live import DAEMON, Live, live
from oslo_service.testing.waiting import LIMIT, ended, until, until_set

WORKING = DAEMON.with_name("working.py")
EVERYTHING = [
    "tracks",
    "loops",
    "has a thread",
    "has an executor",
    "has periodic tasks",
]
# What each is called in the log, but for its age and its thread.
NAMES = {
    "tracks": "live migration req-7",
    "loops": "tick __main__.tick",
    "has a thread": "thread __main__.block_in_thread",
    "has an executor": "call __main__.compute",
    "has periodic tasks": "periodic task Manager.survey",
}


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "gate"


def working(driver: str, gate: Path, traits: list[str], limit: int, **plan: Any) -> Any:
    """Return a program that has that in progress, and has so long to stop."""
    config = gate.with_name("working.conf")
    config.write_text(f"[DEFAULT]\ngraceful_shutdown_timeout = {limit}\n")
    arguments = ["--config-file", str(config)]
    return live(
        driver,
        program=WORKING,
        traits=traits,
        gate=str(gate),
        arguments=arguments,
        **plan,
    )


def lines(transcript: str, text: str) -> list[str]:
    return [line for line in transcript.splitlines() if text in line]


class TestTheEnd:
    """What a process does that has work in progress when it is told to stop."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_it_waits_for_tracked_work_and_ends_as_soon_as_that_is_done(
        self, driver_name: str, gate: Path, workers: int
    ) -> None:
        with working(driver_name, gate, ["tracks"], 60, workers=workers) as program:
            program.expect("started", workers)
            program.expect("waiting")
            program.kill(signal.SIGTERM)
            program.expect_text("stops; in progress: live migration req-7", workers)
            assert program.process.poll() is None
            assert len(program.stopped(workers)) == workers
            gate.touch()
            opened = time.monotonic()
            program.expect("migrated", workers)
            assert program.wait() == 0
            assert time.monotonic() - opened < 40, "long before the limit"
            program.until(lambda: not program.left(), "nothing is left")

    def test_one_line_names_what_is_in_progress_and_nothing_else(
        self, driver_name: str, gate: Path
    ) -> None:
        with working(driver_name, gate, EVERYTHING, 60) as program:
            program.expect("started")
            program.expect("surveying")
            program.kill(signal.SIGTERM)
            program.expect_text("stops; in progress: ")
            (line,) = lines(program.transcript, "in progress: ")
            for name in NAMES.values():
                assert re.search(re.escape(name) + r" \(for \d+\.\d s, in ", line)
            assert line.count(" (for ") == len(NAMES)
            gate.touch()
            # What the executor has begun is the interpreter's to wait for.
            program.expect("last", status=0)
            assert not program.events("pruning")

    def test_what_is_known_by_itself_is_not_waited_for(
        self, driver_name: str, gate: Path
    ) -> None:
        traits = [one for one in EVERYTHING if one != "tracks"]
        with working(driver_name, gate, traits, 60) as program:
            program.expect("started")
            program.expect("surveying")
            program.kill(signal.SIGTERM)
            program.expect("last", status=0)
            gate.touch()

    @pytest.mark.parametrize("path", ["/gate", "/half-gate"])
    def test_requests_are_named(self, driver_name: str, gate: Path, path: str) -> None:
        with (
            serving(driver_name, gate=str(gate)) as site,
            site.client() as client,
        ):
            client.send(get(f"{path}?secret"))
            site.program.expect("in the application")
            site.program.kill(signal.SIGTERM)
            site.program.expect_text(f"in progress: request GET {path} (for ")
            assert "secret" not in site.program.transcript
            gate.touch()
            assert site.program.wait() == 0

    def test_a_stop_without_work_says_nothing_of_it(
        self, driver_name: str, gate: Path
    ) -> None:
        with working(driver_name, gate, [], 60) as program:
            program.expect("started")
            assert program.end() == 0
            assert "in progress" not in program.transcript

    @pytest.mark.parametrize("workers", [1, 2])
    def test_at_the_limit_all_that_is_unfinished_is_named_with_its_stack(
        self, driver_name: str, gate: Path, workers: int
    ) -> None:
        with working(driver_name, gate, EVERYTHING, 1, workers=workers) as program:
            program.expect("started", workers)
            program.expect("surveying", workers)
            program.kill(signal.SIGTERM)
            assert program.wait() == 1
            program.until(lambda: not program.left(), "nothing is left")
            said = lines(program.transcript, "graceful_shutdown_timeout: after 1 s")
            assert len(said) == workers, program.transcript
            for name in NAMES.values():
                for line in said:
                    assert f"{name} (for " in line
                # Once with its stack, and the place where it is.
                pattern = rf"^{re.escape(name)} \(for \d+\.\d s, in [^\n]*\)\n  File "
                found = re.findall(pattern, program.transcript, re.MULTILINE)
                assert len(found) == workers
            assert all("pause" not in line for line in said)
            assert "finished before" not in program.transcript
            assert ", in migrate\n" in program.transcript
            assert ", in Manager.survey\n" in program.transcript

    def test_no_periodic_task_begins_once_the_process_stops(
        self, driver_name: str, gate: Path
    ) -> None:
        with self.stopped_while_one_runs(driver_name, gate) as program:
            assert not program.events("pruning")

    def test_nor_does_one_of_an_old_loop_while_the_program_ends(
        self, driver_name: str, gate: Path
    ) -> None:
        with self.stopped_while_one_runs(driver_name, gate, "lingers") as program:
            program.expect("last")
            assert len(program.events("surveying")) == 1
            assert not program.events("pruning")

    @staticmethod
    @contextlib.contextmanager
    def stopped_while_one_runs(
        driver_name: str, gate: Path, *traits: str
    ) -> Iterator[Live]:
        """Give a program that was told to stop while it was in a periodic task."""
        traits = ("tracks", "has periodic tasks", *traits)
        with working(driver_name, gate, [*traits], 60) as program:
            program.expect("started")
            program.expect("surveying")
            program.kill(signal.SIGTERM)
            program.expect("stop")
            gate.touch()
            assert program.wait() == 0
            yield program


def test_a_worker_whose_work_is_past_its_limit_is_replaced(
    driver_name: str, gate: Path
) -> None:
    config = write_options(gate.with_name("conf"), "oslo_service", worker_timeout=20)
    with live(
        driver_name,
        program=WORKING,
        traits=["tracks for long"],
        gate=str(gate),
        arguments=config,
        workers=2,
    ) as program:
        begun = program.expect("started", 2)
        program.expect_text("resize req-8 takes longer than 0.5 s")
        program.expect("started", 3)
        gate.touch()
        assert begun
        assert program.end() == 0


class TestWhatIsInProgress:
    """What is found when somebody asks."""

    def test_tracked_work_with_where_it_is(self, driver: Driver) -> None:
        begun, release = driver.event(), driver.event()
        task = driver.spawn(lambda: self.migrate(begun, release), name="migrator")
        until_set(begun, "the work begins")
        (found,) = tracked()
        assert (found.name, found.id, found.task) == ("migration", "7", "migrator")
        assert found.age is not None
        assert 0 <= found.age < LIMIT
        assert found.limit == 2.5
        assert "TestWhatIsInProgress.migrate" in found.stack
        release.set()
        task.join(LIMIT)
        assert tracked() == []

    @staticmethod
    def migrate(begun: Event, release: Event) -> None:
        with work.track("migration", id=7, limit=2.5):
            begun.set()
            release.wait(LIMIT)

    def test_tracked_work_of_who_asks(self, driver: Driver) -> None:
        task = driver.spawn(self.ask_at_work, name="asker")
        (found,) = ended(task, "it is asked")
        assert found.task == "asker"
        assert ", in TestWhatIsInProgress.ask_at_work\n" in found.stack

    @staticmethod
    def ask_at_work() -> list[Any]:
        with work.track("asking"):
            return tracked()

    def test_the_oldest_comes_first(self, driver: Driver) -> None:
        del driver
        with work.track("first"), work.track("second"):
            assert [one.name for one in tracked()] == ["first", "second"]

    def test_a_function_that_is_tracked(self, driver: Driver) -> None:
        del driver

        @work.tracked
        def rebuild(value: int) -> list[Any]:
            return [value, *(one.name for one in tracked())]

        @work.tracked("cleaning", limit=3)
        def clean() -> Any:
            return [(one.name, one.limit) for one in tracked()]

        (value, name) = rebuild(3)
        assert value == 3
        assert name.endswith("rebuild")
        assert rebuild.__name__ == "rebuild"
        assert clean() == [("cleaning", 3)]
        assert tracked() == []

    def test_what_raises_is_over(self, driver: Driver) -> None:
        del driver
        with pytest.raises(ZeroDivisionError), work.track("division"):
            raise ZeroDivisionError
        assert tracked() == []

    def test_a_future_until_it_is_done(self, driver: Driver) -> None:
        release = driver.event()
        pool = driver.executor(1)
        future = work.track_future(pool.submit(release.wait, LIMIT), "upload", id="i")
        assert [(one.name, one.id) for one in tracked()] == [("upload", "i")]
        release.set()
        assert future.result(LIMIT)
        until(driver, lambda: not tracked(), "it is over")
        pool.shutdown()

    def test_a_thread_of_a_group_as_a_future(self, driver: Driver) -> None:
        release, group = driver.event(), threadgroup.ThreadGroup()
        thread = work.track_future(group.add_thread(release.wait, LIMIT), "thread")
        assert [one.name for one in tracked()] == ["thread"]
        release.set()
        thread.wait()
        until(driver, lambda: not tracked(), "it is over")

    def test_calls_of_executors(self, driver: Driver) -> None:
        begun, release = driver.event(), driver.event()
        pool = driver.executor(1)

        def compute(value: int, *, more: int) -> int:
            begun.set()
            release.wait(LIMIT)
            return value + more

        future = pool.submit(compute, 1, more=2)
        until_set(begun, "the call begins")
        for stacks in (True, False):
            (found,) = known("call", stacks)
            assert found.name.endswith("compute")
            assert found.age is not None
            assert found.task
        next_, never = (pool.submit(compute, 2, more=2) for _ in range(2))
        assert measured_of(pool) == {"size": 1, "busy": 1, "waiting": 2}
        assert never.cancel()
        assert measured_of(pool) == {"size": 1, "busy": 1, "waiting": 1}
        release.set()
        assert future.result(LIMIT) == 3
        assert next_.result(LIMIT) == 4
        until(driver, lambda: not known("call"), "it is over")
        assert measured_of(pool) == {"size": 1, "busy": 0, "waiting": 0}
        pool.shutdown()
        assert measured_of(pool)["size"] == 0

    def test_ticks_but_not_pauses(self, driver: Driver) -> None:
        begun, release = driver.event(), driver.event()

        def work_long() -> None:
            begun.set()
            release.wait(LIMIT)

        loop = loopingcall.FixedIntervalLoopingCall(work_long)
        loop.start(600, initial_delay=0.01)
        until_set(begun, "the tick begins")
        (found,) = known("tick")
        assert found.name.endswith("work_long")
        assert found.age is not None
        assert 0 <= found.age < LIMIT
        release.set()
        until(driver, lambda: not known("tick"), "it pauses")
        loop.stop()
        loop.wait()


def tracked() -> list[Any]:
    return known("tracked")


def known(kind: str, stacks: bool = True) -> list[Any]:
    return [one for one in work_in_progress.look(stacks) if one.kind == kind]


def measured_of(executor: Any) -> dict[str, float]:
    """Return what is measured of an executor of a driver: others have theirs."""
    (calls,) = (
        one for one in vars(executor).values() if isinstance(one, ExecutorCalls)
    )
    return {
        one.measure.name.removeprefix("pool_"): one.value for one in calls.readings()
    }


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    yield
    assert not tracked_work.running()
