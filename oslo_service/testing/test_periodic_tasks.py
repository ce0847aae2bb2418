# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: periodic tasks are run in time, in order, or side by side."""

# ruff: noqa: ARG002 - a periodic task is given a context, wanted or not

import functools
import logging
import os
import random
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from oslo_service import periodic_task as module
from oslo_service.backend.base import Driver, Task
from oslo_service.backend.exceptions import TaskCancelled
from oslo_service.periodic import process_pool
from oslo_service.periodic_task import (
    DEFAULT_INTERVAL,
    InvalidPeriodicTaskArg,
    PeriodicTasks,
    periodic_task,
)
from oslo_service.testing.waiting import LIMIT, announced, ended, until_set

pytestmark = pytest.mark.usefixtures("driver")


@pytest.fixture
def conf() -> cfg.ConfigOpts:
    """A configuration without files."""
    conf = cfg.ConfigOpts()
    conf([], project="periodic", default_config_files=[])
    return conf


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    """A clock that stands still until it is moved; no jitter."""
    clock = Clock()
    monkeypatch.setattr(module, "now", clock)
    monkeypatch.setattr(random, "random", lambda: 0.0)
    return clock


class Clock:
    """A clock that stands still until it is set."""

    time = 1000.0

    def __call__(self) -> float:
        return self.time


class Recording(PeriodicTasks):
    """Notes what is run."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self.ran: list[str] = []

    def note(self, what: str) -> None:
        """Note it."""
        self.ran.append(what)

    def run(self, **arguments: Any) -> float:
        """Run what is due, and nothing that was due before."""
        self.ran.clear()
        return self.run_periodic_tasks(None, **arguments)


class TestDeclaring:
    """The decorator, and what a class inherits."""

    def test_it_works_without_parentheses(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task
            def one(self, context):
                self.note("one")

        tasks = Tasks(conf)
        assert tasks.run() == DEFAULT_INTERVAL
        assert tasks.ran == []
        clock.time += DEFAULT_INTERVAL
        tasks.run()
        assert tasks.ran == ["one"]

    @pytest.mark.parametrize("spacing", [0, DEFAULT_INTERVAL])
    def test_and_with(self, conf, clock, spacing) -> None:
        class Tasks(Recording):
            @periodic_task()
            def one(self, context):
                self.note("one")

            @periodic_task(spacing=spacing, name="other")
            def two(self, context):
                self.note("two")

        tasks = Tasks(conf)
        clock.time += DEFAULT_INTERVAL
        tasks.run()
        assert tasks.ran == ["one", "two"]
        assert set(tasks._periodic_last_run) == {"one", "other"}

    @pytest.mark.parametrize("arguments", [{"spacing": -1}, {"enabled": False}])
    def test_what_is_off_is_not_run(self, conf, clock, arguments, caplog) -> None:
        caplog.set_level(logging.INFO)

        class Tasks(Recording):
            @periodic_task(run_immediately=True, **arguments)
            def one(self, context):
                self.note("one")

        tasks = Tasks(conf)
        tasks.run()
        assert tasks.ran == []
        assert "one is not run" in caplog.text

    @pytest.mark.parametrize("name", ["ticks_between_runs", "interval"])
    def test_unknown_arguments_are_named(self, name) -> None:
        with pytest.raises(InvalidPeriodicTaskArg, match=name):
            periodic_task(**{name: 5})(print)  # type: ignore[call-overload]

    def test_positional_ones_are_refused(self) -> None:
        with pytest.raises(InvalidPeriodicTaskArg, match="30"):
            periodic_task(30)  # type: ignore[call-overload]

    @pytest.mark.parametrize(
        "spacing", [None, "5", [], float("nan"), float("inf"), -float("inf")]
    )
    def test_a_spacing_that_is_no_number_is_named(self, spacing) -> None:
        wrong = rf"task one: spacing={re.escape(repr(spacing))}.*number of seconds"
        with pytest.raises(InvalidPeriodicTaskArg, match=wrong):

            @periodic_task(spacing=spacing)
            def one(self, context):
                """Be refused."""

    def test_tasks_are_inherited_from_every_base(self, conf, clock) -> None:
        class One(PeriodicTasks):
            @periodic_task(run_immediately=True)
            def one(self, context):
                self.note("one")

        class Two(PeriodicTasks):
            @periodic_task(run_immediately=True)
            def two(self, context):
                self.note("two")

        class Both(One, Two, Recording):
            @periodic_task(run_immediately=True)
            def three(self, context):
                self.note("three")

        tasks = Both(conf)
        tasks.run()
        assert sorted(tasks.ran) == ["one", "three", "two"]
        assert [name for name, _ in One._periodic_tasks] == ["one"]

    def test_the_last_declaration_of_a_name_counts(self, conf, clock) -> None:
        class Base(Recording):
            @periodic_task(run_immediately=True)
            def one(self, context):
                self.note("base")

            @periodic_task(run_immediately=True)
            def two(self, context):
                self.note("two")

        class Sub(Base):
            @periodic_task(run_immediately=True)
            def one(self, context):
                self.note("sub")

            @periodic_task(spacing=-1)
            def two(self, context):
                self.note("two")

        tasks = Sub(conf)
        tasks.run()
        assert tasks.ran == ["sub"]

    def test_one_may_be_added_to_an_object(self, conf, clock) -> None:
        @periodic_task(run_immediately=True)
        def added(self, context):
            self.note(f"added {context}")

        tasks, other = Recording(conf), Recording(conf)
        tasks.add_periodic_task(added)
        tasks.run()
        other.run()
        assert tasks.ran == ["added None"]
        assert other.ran == []

    def test_a_plain_function_cannot(self, conf) -> None:
        with pytest.raises(InvalidPeriodicTaskArg, match="print"):
            Recording(conf).add_periodic_task(print)


class TestTime:
    """When tasks are due."""

    def test_a_task_keeps_to_its_spacing(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task(spacing=9)
            def one(self, context):
                self.note("one")

        tasks = Tasks(conf)
        ran_at = []
        for second in range(1, 50):
            clock.time += 1
            tasks.run()
            ran_at += [second] * len(tasks.ran)
        assert ran_at == [9, 18, 27, 36, 45]

    def test_delays_do_not_add_up(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task(spacing=10, run_immediately=True)
            def one(self, context):
                self.note("one")

        tasks = Tasks(conf)
        assert tasks.run() == 10
        clock.time += 13
        assert tasks.run() == 7
        clock.time += 34
        assert tasks.run() == 3

    def test_the_next_one_is_told(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task(spacing=25)
            def one(self, context):
                clock.time += 2

            @periodic_task(spacing=40)
            def two(self, context):
                self.note("two")

        tasks = Tasks(conf)
        assert tasks.run() == 25
        clock.time += 25
        assert tasks.run() == 13
        clock.time += 100
        assert tasks.run() >= 0

    def test_it_is_told_anew_at_most_a_minute_later(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task(spacing=3600)
            def one(self, context):
                self.note("one")

        assert Tasks(conf).run() == DEFAULT_INTERVAL
        assert Recording(conf).run() == DEFAULT_INTERVAL

    def test_tasks_of_many_hosts_drift_apart(self, conf, clock, monkeypatch) -> None:
        monkeypatch.setattr(random, "random", lambda: 0.99)

        class Tasks(Recording):
            @periodic_task(spacing=100)
            def one(self, context):
                self.note("one")

            @periodic_task(spacing=19)
            def two(self, context):
                self.note("two")

        tasks = Tasks(conf)
        start = clock.time
        clock.time += 100
        tasks.run()
        assert tasks._periodic_last_run["one"] == start + 104
        assert tasks._periodic_last_run["two"] == start + 95

    def test_another_process_may_be_responsible(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task(spacing=5, external_process_ok=True)
            def one(self, context):
                self.note("one")

        tasks = Tasks(conf)
        conf.set_override("run_external_periodic_tasks", False)
        clock.time += 5
        assert tasks.run() == DEFAULT_INTERVAL
        assert tasks.ran == []
        conf.set_override("run_external_periodic_tasks", True)
        assert tasks.run() == 5
        assert tasks.ran == ["one"]


class Failing(Recording):
    """Has a task that fails between two that do not."""

    @periodic_task(run_immediately=True)
    def before(self, context):
        """Be run before it."""
        self.note("before")

    @periodic_task(run_immediately=True)
    def fails(self, context):
        """Fail."""
        raise ZeroDivisionError("as asked")

    @periodic_task(run_immediately=True)
    def after(self, context):
        """Be run after it."""
        self.note("after")


class Unusual(BaseException):
    """A failure, though it is no Exception."""


class Raising(Recording):
    """Has a task that raises what it is told, and one after it."""

    def __init__(self, conf: cfg.ConfigOpts, what: type[BaseException]) -> None:
        super().__init__(conf)
        self.what = what

    @periodic_task(run_immediately=True)
    def raises(self, context):
        """Raise it."""
        raise self.what("as asked")

    @periodic_task(run_immediately=True)
    def after(self, context):
        """Be run after it."""
        self.note("after")


class TestFailures:
    """A task that fails does not stop the others."""

    def test_it_is_logged(self, conf, caplog) -> None:
        tasks = Failing(conf)
        tasks.run()
        assert tasks.ran == ["before", "after"]
        assert "Error during Failing.fails" in caplog.text
        assert "ZeroDivisionError" in caplog.text

    def test_or_raised(self, conf) -> None:
        tasks = Failing(conf)
        with pytest.raises(ZeroDivisionError):
            tasks.run(raise_on_error=True)
        assert tasks.ran == ["before"]
        tasks.run()
        assert tasks.ran == ["after"]

    @pytest.mark.parametrize("failure", [Unusual, SystemExit])
    def test_what_is_no_ordinary_failure_is_one_too(
        self, conf, caplog, failure
    ) -> None:
        tasks = Raising(conf, failure)
        assert tasks.run() > 50
        assert tasks.ran == ["after"]
        assert "Error during Raising.raises" in caplog.text
        assert failure.__name__ in caplog.text

    @pytest.mark.parametrize("failure", [Unusual, SystemExit])
    def test_that_can_be_raised_too(self, conf, failure) -> None:
        tasks = Raising(conf, failure)
        with pytest.raises(failure):
            tasks.run(raise_on_error=True)
        tasks.run()
        assert tasks.ran == ["after"]

    @pytest.mark.parametrize("end", [KeyboardInterrupt, GeneratorExit])
    def test_what_ends_the_caller_is_not_held_up(self, conf, end) -> None:
        tasks = Raising(conf, end)
        with pytest.raises(end):
            tasks.run()
        assert tasks.ran == []

    @pytest.mark.needs_capability("kill_tasks")
    def test_nor_is_that_which_kills_it(self, conf, driver) -> None:
        begun, never = driver.event(), driver.event()

        class Tasks(Recording):
            @periodic_task(run_immediately=True)
            def hangs(self, context):
                announced(begun, never.wait)(LIMIT)

            @periodic_task(run_immediately=True)
            def after(self, context):
                self.note("after")

        tasks = Tasks(conf)
        task = driver.spawn(tasks.run, name="victim")
        until_set(begun, "the task is run")
        task.stop()
        with pytest.raises(TaskCancelled, match="victim was killed"):
            ended(task, "it is killed")
        assert tasks.ran == []


MANY = 20


def add(tasks: PeriodicTasks, number: int, function: Any) -> None:
    """Add a function so many times, as tasks that are due."""
    for name in map(str, range(number)):
        task = functools.partial(function)
        tasks.add_periodic_task(
            periodic_task(spacing=60, run_immediately=True, name=name)(task)
        )


def bounded(driver: Driver, monkeypatch: pytest.MonkeyPatch, room: int) -> list[Task]:
    """Have a driver start so many tasks and no more; return those it has started."""
    spawn, spawned = driver.spawn, list[Task]()

    def spawn_one(call: Any, *, name: str) -> Task:
        if len(spawned) == room:
            raise RuntimeError("there is no room for another")
        spawned.append(spawn(call, name=name))
        return spawned[-1]

    monkeypatch.setattr(driver, "spawn", spawn_one)
    return spawned


class TestSideBySide:
    """run_periodic_tasks_in_parallel(), in this process."""

    def test_a_slow_one_delays_no_other(self, conf, driver) -> None:
        class Tasks(Recording):
            go = driver.event()

            @periodic_task(run_immediately=True)
            def slow(self, context):
                assert self.go.wait(LIMIT)
                self.note("slow")

            @periodic_task(run_immediately=True)
            def quick(self, context):
                self.note(f"quick {context}")
                self.go.set()

        tasks = Tasks(conf)
        assert tasks.run_periodic_tasks_in_parallel("ctx") > 50
        assert tasks.ran == ["quick ctx", "slow"]

    def test_all_that_are_due_run_at_the_same_time(self, conf, driver) -> None:
        tasks, all_run = Recording(conf), driver.event()

        def wait_for_all(self, _context):
            self.note("begun")
            if len(self.ran) == MANY:
                all_run.set()
            until_set(all_run, "all run at the same time")

        add(tasks, MANY, wait_for_all)
        tasks.run_periodic_tasks_in_parallel(None, raise_on_error=True)
        assert len(tasks.ran) == MANY

    def test_those_that_end_at_once_take_no_task_of_the_driver_each(
        self, conf, driver, monkeypatch
    ) -> None:
        spawned = bounded(driver, monkeypatch, MANY)
        tasks = Recording(conf)
        add(tasks, MANY, lambda self, _: self.note("ran"))
        tasks.run_periodic_tasks_in_parallel(None)
        assert len(tasks.ran) == MANY
        assert driver.capabilities.parallel or len(spawned) == 1

    @pytest.mark.parametrize("room", [0, 1, 3])
    def test_nothing_is_lost_where_there_is_no_room_for_more(
        self, conf, driver, monkeypatch, caplog, room
    ) -> None:
        go, tasks = driver.event(), Recording(conf)

        def one(self, _context):
            # The last one is run by whoever cannot start a further one.
            self.note("begun")
            if len(self.ran) > room:
                go.set()
            until_set(go, "what waits is taken by those there are")

        bounded(driver, monkeypatch, room)
        add(tasks, MANY, one)
        tasks.run_periodic_tasks_in_parallel(None, raise_on_error=True)
        assert len(tasks.ran) == MANY
        (record,) = [one for one in caplog.records if "wait" in one.getMessage()]
        assert record.levelname == "WARNING"
        assert "no room" in record.getMessage()
        tasks.ran.clear()
        tasks.run_periodic_tasks_in_parallel(None)
        assert tasks.ran == []

    def test_nothing_due_is_nothing_done(self, conf, clock) -> None:
        class Tasks(Recording):
            @periodic_task(spacing=7)
            def one(self, context):
                self.note("one")

        tasks = Tasks(conf)
        assert tasks.run_periodic_tasks_in_parallel(None) == 7
        assert tasks.ran == []

    def test_failures_are_logged_or_raised(self, conf, caplog) -> None:
        tasks = Failing(conf)
        tasks.run_periodic_tasks_in_parallel(None)
        assert sorted(tasks.ran) == ["after", "before"]
        assert "Error during Failing.fails" in caplog.text
        tasks = Failing(conf)
        with pytest.raises(ZeroDivisionError):
            tasks.run_periodic_tasks_in_parallel(None, raise_on_error=True)
        assert sorted(tasks.ran) == ["after", "before"]

    @pytest.mark.parametrize("failure", [Unusual, SystemExit])
    def test_what_is_no_ordinary_failure_is_one_too(
        self, conf, caplog, failure
    ) -> None:
        tasks = Raising(conf, failure)
        tasks.run_periodic_tasks_in_parallel(None)
        assert tasks.ran == ["after"]
        assert "Error during Raising.raises" in caplog.text

    @pytest.mark.parametrize("end", [KeyboardInterrupt, GeneratorExit])
    def test_what_ends_the_caller_is_not_held_up(self, conf, end) -> None:
        tasks = Raising(conf, end)
        with pytest.raises(end):
            tasks.run_periodic_tasks_in_parallel(None)
        assert tasks.ran == ["after"]


class Elsewhere(PeriodicTasks):
    """Can be pickled, and leaves files behind."""

    @periodic_task(spacing=0.001)
    def write(self, folder):
        """Record which process it is."""
        Path(folder, str(os.getpid())).write_text("", encoding="ascii")

    @periodic_task(spacing=0.001)
    def fails(self, folder):
        """Fail, there."""
        raise ZeroDivisionError(str(os.getpid()))


class Dying(PeriodicTasks):
    """Has a task that takes its process along."""

    @periodic_task(spacing=0.001)
    def dies(self, context):
        """End, there."""
        os._exit(3)


class Leaving(PeriodicTasks):
    """Has a task that raises what is no ordinary failure."""

    @periodic_task(spacing=0.001)
    def leaves(self, context):
        """Leave, there."""
        raise SystemExit(f"{os.getpid()}")


def run_elsewhere(tasks: PeriodicTasks, context: object, **arguments: Any) -> None:
    """Run everything, in a process of its own."""
    for name in tasks._periodic_last_run:
        tasks._periodic_last_run[name] = None
    tasks.run_periodic_tasks_in_parallel(context, processes=1, **arguments)


@pytest.mark.starts_processes
class TestElsewhere:
    """run_periodic_tasks_in_parallel(), in other processes."""

    def test_the_processes_are_kept(self, conf, tmp_path) -> None:
        tasks = Elsewhere(conf)
        for _ in range(3):
            run_elsewhere(tasks, tmp_path)
        pids = [int(path.name) for path in tmp_path.iterdir()]
        assert len(pids) == 1
        assert os.getpid() not in pids

    def test_failures_come_back(self, conf, tmp_path, caplog) -> None:
        tasks = Elsewhere(conf)
        run_elsewhere(tasks, tmp_path)
        assert "Error during Elsewhere.fails" in caplog.text
        with pytest.raises(ZeroDivisionError) as caught:
            run_elsewhere(tasks, tmp_path, raise_on_error=True)
        assert "in fails" in "".join(caught.value.__notes__)

    def test_so_do_those_that_are_no_ordinary_ones(self, conf, caplog) -> None:
        run_elsewhere(Leaving(conf), None)
        assert "Error during Leaving.leaves" in caplog.text
        assert "in leaves" in caplog.text

    def test_what_cannot_be_pickled_is_named_and_stays_due(self, conf) -> None:
        tasks = Elsewhere(conf)
        with pytest.raises(TypeError, match=r"Elsewhere\.write.*lock"):
            run_elsewhere(tasks, threading.Lock())
        assert tasks._periodic_last_run["write"] is None

    def test_a_process_that_dies_is_replaced(self, conf, tmp_path, caplog) -> None:
        dying, tasks = Dying(conf), Elsewhere(conf)
        tasks._periodic_pool = dying._periodic_pool
        run_elsewhere(dying, None)
        assert "has died" in caplog.text
        run_elsewhere(tasks, tmp_path)
        assert len(list(tmp_path.iterdir())) == 1

    def test_where_they_cannot_be_started_it_is_a_failure(
        self, conf, monkeypatch, caplog
    ) -> None:
        def refuse(_fd: int) -> None:
            raise BlockingIOError("there is no room for another")

        tasks = Elsewhere(conf)
        monkeypatch.setattr(process_pool, "_start", refuse)
        run_elsewhere(tasks, None)
        assert "Error during Elsewhere.write" in caplog.text
        assert "no room" in caplog.text

    @pytest.mark.parametrize(
        ("processes", "error"),
        [
            (0, ValueError),
            (-1, ValueError),
            (1.5, TypeError),
            ("2", TypeError),
            (True, TypeError),
        ],
    )
    def test_a_number_that_makes_no_sense_is_named(
        self, conf, processes, error
    ) -> None:
        tasks = Failing(conf)
        with pytest.raises(error, match=f"processes={processes!r}"):
            tasks.run_periodic_tasks_in_parallel(None, processes=processes)
        tasks.run()
        assert tasks.ran == ["before", "after"]
