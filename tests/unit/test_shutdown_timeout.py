# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is done when the time for an orderly end is over, and when it is not yet."""

import faulthandler
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from oslo_service._common import clock, streams
from oslo_service.sockets import open_sockets
from oslo_service.supervisor import faulthandler_timer, shutdown_timeout
from oslo_service.supervisor.shutdown_timeout import ShutdownTimeout
from oslo_service.testing.scripted import ScriptedDriver
from oslo_service.testing.waiting import LIMIT, run_script

DUMP_LATER = faulthandler.dump_traceback_later
CANCEL_DUMP_LATER = faulthandler.cancel_dump_traceback_later


class Exited(BaseException):
    """The process ends here."""


class Alarm:
    """Rings when the test says so; notes when it was to ring."""

    possible = True
    left = False

    def __init__(self, ring: Callable[[], object]) -> None:
        self.ring = ring
        self.seconds: float | None = None

    def set(self, seconds: float) -> bool:
        if self.possible:
            self.seconds = seconds
        return self.possible

    def give_back(self) -> None:
        self.seconds = None

    def leave(self) -> None:
        self.left = True


class Unit:
    """Has something that runs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = threading.Event()

    def still_running(self) -> str:
        return self.name


class Process:
    """A process that may end, and the time."""

    def __init__(self, driver: ScriptedDriver) -> None:
        self.driver = driver
        self.done: list[object] = []
        self.stacks: int | None = None
        self.timeout = ShutdownTimeout(
            driver, lambda: self.stacks, lambda: self.done.append("workers killed")
        )
        self.alarm: Alarm = self.timeout._alarm

    def exit(self, status: int) -> NoReturn:
        self.done.append(("exit", status))
        raise Exited

    def dump(self, file: object, *, all_threads: bool) -> None:
        assert all_threads
        self.done.append(("stacks", file))

    def dump_later(self, seconds: float, **arguments: object) -> None:
        assert arguments["exit"] is True
        self.done.append(("backstop", round(seconds, 3)))

    def cancel_dump(self) -> None:
        self.done.append("no backstop")

    def pass_time(self, seconds: float) -> None:
        self.driver.advance(seconds)

    def end_after(self, seconds: float) -> None:
        """Let time pass: the alarm rings, and that is the end."""
        self.pass_time(seconds)
        with pytest.raises(Exited):
            self.alarm.ring()


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setattr(shutdown_timeout, "Alarm", Alarm)
    with ScriptedDriver() as driver:
        process = Process(driver)
        monkeypatch.setattr(faulthandler_timer, "is_usable", lambda: True)
        monkeypatch.setattr(os, "_exit", process.exit)
        monkeypatch.setattr(faulthandler, "dump_traceback", process.dump)
        later = "dump_traceback_later"
        monkeypatch.setattr(faulthandler, later, process.dump_later)
        monkeypatch.setattr(faulthandler, f"cancel_{later}", process.cancel_dump)
        yield process
        process.timeout.close()


class Listening:
    """Listens, until the process ends."""

    def __init__(self) -> None:
        self.call: Callable[[], object] = lambda: None

    def close(self) -> None:
        self.call()


@pytest.fixture
def listener() -> Iterator[Listening]:
    open_sockets._until_end.clear()
    listening = Listening()
    open_sockets.add_until_end(listening)
    yield listening
    open_sockets._until_end.clear()


ONE, TWO = Unit("one"), Unit("two")


class TestArming:
    """The alarm is set to the time that is over first."""

    def test_a_limit_of_0_is_none(self, process) -> None:
        process.timeout.arm(ONE, 0)
        assert process.alarm.seconds is None

    def test_time_that_runs_already_is_not_given_again(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.pass_time(4)
        process.timeout.arm(ONE, 10)
        process.timeout.arm(TWO, 20)
        assert process.alarm.seconds == pytest.approx(6)

    def test_what_ends_first_counts(self, process) -> None:
        process.timeout.arm(ONE, 20)
        assert process.alarm.seconds == pytest.approx(20)
        process.timeout.arm(TWO, 10)
        assert process.alarm.seconds == pytest.approx(10)

    def test_what_is_disarmed_leaves_the_others_armed(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.arm(TWO, 20)
        process.timeout.disarm(ONE)
        assert process.alarm.seconds == pytest.approx(20)
        process.timeout.disarm(TWO)
        assert process.alarm.seconds is None

    def test_what_was_not_armed_disarms_nothing(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.disarm(TWO)
        assert process.alarm.seconds == 10

    def test_what_was_disarmed_can_be_armed_again(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.disarm(ONE)
        process.timeout.arm(ONE, 5)
        assert process.alarm.seconds == 5

    def test_the_alarm_is_given_back_at_the_end(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.close()
        assert process.alarm.seconds is None
        process.timeout.close()

    def test_the_descriptor_for_the_stacks_is_closed_at_the_end(self, process) -> None:
        stderr = process.timeout._stderr
        if stderr is None:
            pytest.skip("the standard error cannot be opened a second time here")
        assert not os.get_blocking(stderr)
        process.timeout.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(stderr)

    def test_a_forked_process_leaves_it_to_the_parent(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.leave()
        assert process.alarm.left
        process.pass_time(10)
        process.alarm.ring()
        assert process.done == [], "nothing is armed any more"


class TestBackstop:
    """Behind the alarm stands what needs no GIL."""

    def test_it_comes_half_a_second_after_the_last(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.arm(TWO, 20)
        process.pass_time(3)
        process.timeout.back()
        assert process.done == [("backstop", 17.5)]

    def test_there_is_none_where_nothing_is_armed(self, process) -> None:
        process.timeout.back()
        assert process.done == []

    def test_there_is_none_where_the_interpreter_has_no_use_for_it(
        self, process, monkeypatch
    ) -> None:
        monkeypatch.setattr(faulthandler_timer, "is_usable", lambda: False)
        process.timeout.arm(ONE, 10)
        process.timeout.back()
        assert process.done == []

    def test_time_that_is_over_leaves_some(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.pass_time(20)
        process.timeout.back()
        assert process.done == [("backstop", 0.001)]

    def test_a_limit_that_is_never_reached_is_legal(self, process, monkeypatch) -> None:
        monkeypatch.setattr(faulthandler, "dump_traceback_later", DUMP_LATER)
        monkeypatch.setattr(
            faulthandler, "cancel_dump_traceback_later", CANCEL_DUMP_LATER
        )
        process.timeout.arm(ONE, 1e18)
        process.timeout.back()
        assert process.timeout._backstop_set
        process.timeout.disarm(ONE)

    def test_it_goes_with_what_it_stands_behind(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.arm(TWO, 20)
        process.timeout.back()
        process.timeout.disarm(TWO)
        process.timeout.disarm(ONE)
        expected = [("backstop", 20.5), "no backstop", ("backstop", 10.5)]
        assert process.done == [*expected, "no backstop"]

    def test_it_is_away_while_somebody_forks(self, process) -> None:
        process.timeout.before_fork()
        process.timeout.back_again()
        assert process.done == []
        process.timeout.arm(ONE, 10)
        process.timeout.back()
        process.timeout.before_fork()
        assert process.done == [("backstop", 10.5), "no backstop"]
        process.timeout.back_again()
        assert process.done[2:] == [("backstop", 10.5)]

    def test_the_alarm_alone_will_do_where_no_thread_can_be_had(
        self, process, monkeypatch
    ) -> None:
        def refuse(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("unable to start watchdog thread")

        monkeypatch.setattr(faulthandler, "dump_traceback_later", refuse)
        process.timeout.arm(ONE, 10)
        process.timeout.back()
        process.timeout.disarm(ONE)
        assert process.done == []


class TestExpiring:
    """The process acts, then talks, and ends."""

    def test_workers_are_killed_before_anything_is_said_and_the_status_is_1(
        self, process, caplog
    ) -> None:
        process.stacks = 77
        process.timeout.arm(ONE, 10)
        process.timeout.arm(TWO, 20)
        process.end_after(10)
        assert process.done == ["workers killed", ("stacks", 77), ("exit", 1)]
        [record] = caplog.records
        assert "after 10 s still running: one;" in record.getMessage()

    def test_an_alarm_that_comes_too_early_is_set_again(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.pass_time(9)
        process.alarm.ring()
        assert process.done == []
        assert process.alarm.seconds == pytest.approx(1)

    def test_an_alarm_that_is_for_nothing_any_more_does_nothing(self, process) -> None:
        process.timeout.arm(ONE, 10)
        process.timeout.disarm(ONE)
        process.pass_time(10)
        process.alarm.ring()
        assert process.done == []
        assert process.alarm.seconds is None

    def test_talking_has_a_second(self, process, monkeypatch) -> None:
        said = []

        def talk() -> str:
            said.append(process.alarm.seconds)
            process.alarm.ring()
            pytest.fail("it talks for ever")

        unit = Unit("talkative")
        monkeypatch.setattr(unit, "still_running", talk)
        process.timeout.arm(unit, 10)
        process.end_after(10)
        assert said == [1.0]
        assert ("exit", 1) in process.done

    def test_it_ends_though_there_is_nowhere_to_write(
        self, process, monkeypatch
    ) -> None:
        def refuse(*_args: object, **_kwargs: object) -> None:
            raise io.UnsupportedOperation("fileno")

        monkeypatch.setattr(faulthandler, "dump_traceback", refuse)
        process.timeout.arm(ONE, 10)
        process.end_after(10)
        assert process.done == ["workers killed", ("exit", 1)]

    def test_an_end_that_is_ordered_comes_when_the_alarm_rings(self, process) -> None:
        process.timeout.exit_soon(3)
        assert process.alarm.seconds == 3
        process.end_after(3)
        assert process.done == [("exit", 1)]


class TestClosingFirst:
    """What listens is closed before the end, ordered or due, so that clients leave."""

    @pytest.fixture(autouse=True, params=["ordered", "due"])
    def _an_end_in_a_second(self, process: Process, request) -> None:
        if request.param == "ordered":
            process.timeout.exit_soon(1)
        else:
            process.timeout.arm(ONE, 1)

    def test_what_listens_is_closed_first(self, process, listener) -> None:
        listener.call = lambda: process.done.append("closed")
        process.end_after(1)
        before = process.done[: process.done.index("closed")]
        assert not [one for one in before if one[0] in ("stacks", "exit")]
        assert process.done.count("closed") == 1

    def test_what_holds_that_up_does_not_hold_up_the_end(
        self, process, listener
    ) -> None:
        rings = []

        def hang() -> None:
            rings.append(process.alarm.seconds)
            assert len(rings) < 3, "it tries for ever"
            process.alarm.ring()

        listener.call = hang
        process.end_after(1)
        assert set(rings) == {1.0}


class TestOutsideTheMainThread:
    """No alarm can be set there: a native thread keeps the time."""

    @pytest.fixture(autouse=True)
    def _no_alarm(self, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process.alarm, "possible", False)

    def test_the_time_is_kept_nevertheless(self, process, monkeypatch) -> None:
        expired = process.driver.original("threading").Event()
        monkeypatch.setattr(process.timeout, "_expire", expired.set)
        process.timeout.arm(ONE, 0.01)
        assert expired.wait(LIMIT)

    def test_what_was_disarmed_meanwhile_does_not_expire(
        self, process, monkeypatch
    ) -> None:
        expired = []
        monkeypatch.setattr(process.timeout, "_expire", lambda: expired.append(1))
        process.timeout._watch(ONE, 0.001)
        process.timeout._ends[ONE] = clock.now()
        process.timeout._watch(ONE, 0.001)
        assert expired == [1]


class TestStreams:
    """What has been printed is flushed."""

    def test_one_that_cannot_be_is_passed_over(self, monkeypatch) -> None:
        flushed = []

        class Stream:
            def flush(self) -> None:
                flushed.append(1)

        monkeypatch.setattr(sys, "stdout", None)
        monkeypatch.setattr(sys, "stderr", Stream())
        streams.flush()
        assert flushed == [1]


# Stops at once, and takes longer than its limit when the interpreter takes itself down.
SLOW_TO_GO = """
import os, signal, sys, time
from oslo_config import cfg
from oslo_service import service

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(30)

class Short(service.Service):
    def start(self):
        os.kill(os.getpid(), signal.SIGTERM)

sys.modules["kept_until_then"] = Slow()
conf = cfg.ConfigOpts()
conf([f"--config-file={sys.argv[1]}"])
sys.exit(service.launch(conf, Short()).wait())
"""


def test_an_interpreter_that_does_not_end_is_ended_with_status_1(tmp_path):
    config = tmp_path / "conf"
    config.write_text("[DEFAULT]\ngraceful_shutdown_timeout = 1\n")
    done = run_script(SLOW_TO_GO, str(config))
    assert done.returncode == 1, done.stderr
    assert "__del__" in done.stderr
