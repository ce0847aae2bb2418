# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The driver whose tasks do what a script says."""

import dataclasses
import gc
import os
import threading
import time
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oslo_service import backend, loopingcall, threadgroup
from oslo_service._common import clock
from oslo_service.backend import exceptions
from oslo_service.testing import scripted


@pytest.fixture
def driver():
    with scripted.ScriptedDriver(patience=30) as driver:
        yield driver


class TestSteps:
    def test_a_task_begins_when_it_is_told_to(self, driver) -> None:
        calls = []
        task = driver.spawn(lambda: calls.append("began"), name="one")

        assert driver.ready == [task]
        assert not task.begun
        assert calls == []
        assert driver.step(task) is task
        assert calls == ["began"]
        assert task.done
        assert driver.tasks == []

    def test_it_goes_on_until_it_waits(self, driver) -> None:
        calls, event = [], driver.event()

        def work() -> None:
            calls.append("before")
            event.wait()
            calls.append("after")

        task = driver.spawn(work, name="one")
        driver.step()

        assert calls == ["before"]
        assert driver.waiting == [task]
        assert task.waits_for is not None
        assert task.waits_for.what is event
        event.set()
        assert (driver.waiting, driver.ready) == ([], [task])
        assert calls == ["before"]
        driver.step()
        assert calls == ["before", "after"]

    def test_one_that_waits_cannot_be_told_to_go_on(self, driver) -> None:
        task = driver.spawn(driver.event().wait, name="one")
        driver.step()

        with pytest.raises(ValueError, match="'one' waits for an event that is not se"):
            driver.step(task)

    def test_nobody_can_be_told_to_go_on_where_nobody_is(self, driver) -> None:
        with pytest.raises(ValueError, match="no task is ready; there are: no tasks"):
            driver.step()

    @given(choices=st.lists(st.integers(0, 2), max_size=12))
    def test_every_order_can_be_gone_through(self, choices: list[int]) -> None:
        with scripted.ScriptedDriver() as driver:
            order: list[int] = []
            lock = driver.semaphore()

            def work(number: int) -> None:
                with lock:
                    order.append(number)
                    driver.sleep(0)
                    order.append(number)

            tasks = [
                driver.spawn(lambda one=one: work(one), name=f"{one}")
                for one in range(3)
            ]
            for choice in choices:
                if tasks[choice] in driver.ready:
                    driver.step(tasks[choice])
            driver.run()

            assert order[::2] == order[1::2]
            assert sorted(order[::2]) == [0, 1, 2]

    def test_run_goes_on_with_what_is_spawned_meanwhile(self, driver) -> None:
        calls = []

        def first() -> None:
            driver.spawn(lambda: calls.append("second"), name="second")

        driver.spawn(first, name="first")
        driver.run()

        assert calls == ["second"]

    def test_a_task_may_have_others_go_on(self, driver) -> None:
        calls = []

        def first() -> None:
            driver.spawn(lambda: calls.append("second"), name="second")
            driver.run()
            calls.append("first")

        driver.spawn(first, name="first")
        driver.run()

        assert calls == ["second", "first"]

    def test_tasks_that_never_wait_for_anything_are_named(self, driver) -> None:
        def spin() -> None:
            while True:
                driver.sleep(0)

        driver.spawn(spin, name="spinner")
        with pytest.raises(RuntimeError, match="do not wait: 'spinner' waits for the"):
            driver.run()

    def test_one_that_blocks_elsewhere_is_named(self) -> None:
        gate = threading.Event()
        driver = scripted.ScriptedDriver(patience=0.01)
        driver.spawn(gate.wait, name="stuck")

        with pytest.raises(TimeoutError, match=r"stuck has not come .* in 0\.01 s"):
            driver.run()
        gate.set()

    def test_there_is_room_for_as_many_tasks_as_the_script_says(self, driver) -> None:
        driver.room = 1
        task = driver.spawn(int, name="one")

        with pytest.raises(RuntimeError, match=r"no room for another task \(two\)"):
            driver.spawn(int, name="two")
        assert driver.tasks == [task]


class TestOutcomes:
    def test_the_result_is_kept(self, driver) -> None:
        task = driver.spawn(lambda: 6 * 7, name="one")
        driver.run()

        assert task.wait() == 42

    def test_the_error_is_kept(self, driver) -> None:
        task = driver.spawn(lambda: 1 / 0, name="one")
        driver.run()

        with pytest.raises(ZeroDivisionError):
            task.wait()

    def test_what_is_linked_is_called_in_the_task(self, driver) -> None:
        callers = []
        task = driver.spawn(lambda: None, name="one")
        task.link(lambda _: callers.append(driver.current_ident()))
        driver.run()

        assert callers == [task.ident]

    def test_what_has_not_begun_can_be_cancelled(self, driver) -> None:
        task = driver.spawn(lambda: 1, name="one")

        assert task.cancel()
        assert driver.ready == []
        with pytest.raises(exceptions.TaskCancelled):
            task.wait()

    def test_what_waits_can_be_killed(self, driver) -> None:
        seen = []

        def work() -> None:
            try:
                driver.sleep(60)
            finally:
                seen.append(driver.now())

        task = driver.spawn(work, name="one")
        driver.run()
        task.stop()
        assert driver.ready == [task]
        driver.run()

        assert seen == [0.0]
        with pytest.raises(exceptions.TaskCancelled, match="one was killed"):
            task.wait()

    def test_not_where_the_driver_does_not_declare_it(self) -> None:
        class Unable(scripted.ScriptedDriver):
            capabilities = dataclasses.replace(
                scripted.ScriptedDriver.capabilities, kill_tasks=False
            )

        with Unable() as driver:
            task = driver.spawn(driver.event().wait, name="one")
            driver.run()
            with pytest.raises(exceptions.UnsupportedBackendError, match="one cannot"):
                task.stop()

    def test_what_has_ended_is_not_kept(self, driver) -> None:
        task = driver.spawn(lambda: 1, name="one")
        driver.run()
        gone = weakref.ref(task)
        del task
        assert driver.tasks == []
        gc.collect()

        assert gone() is None


class TestTime:
    def test_it_stands_still(self, driver) -> None:
        assert driver.now() == clock.now() == 0.0
        time.sleep(0.002)
        assert driver.now() == clock.now() == 0.0

    def test_it_is_the_librarys_only_inside(self) -> None:
        before = clock.now
        with scripted.ScriptedDriver() as driver:
            assert clock.now() == driver.now()

        assert clock.now is before

    def test_it_is_turned_by_hand(self, driver) -> None:
        seen = []

        def work() -> None:
            for _ in range(4):
                driver.sleep(0.1)
                seen.append(driver.now())

        driver.spawn(work, name="one")
        driver.advance(0.3)

        assert seen == [0.1, 0.2, 0.3]
        assert driver.now() == 0.3

    def test_those_that_wait_go_on_in_the_order_of_their_time(self, driver) -> None:
        order = []

        def work(seconds: int) -> None:
            driver.sleep(seconds)
            order.append((seconds, driver.now()))

        for seconds in (3, 1, 2):
            driver.spawn(lambda seconds=seconds: work(seconds), name=f"{seconds}")
        driver.advance(10)

        assert order == [(1, 1.0), (2, 2.0), (3, 3.0)]
        assert driver.now() == 10.0

    def test_a_time_limit_passes_with_it(self, driver) -> None:
        task = driver.spawn(lambda: driver.event().wait(5), name="one")
        driver.advance(4.9)
        assert not task.done
        driver.advance(0.2)

        assert task.wait() is False

    def test_it_does_not_go_back(self, driver) -> None:
        with pytest.raises(ValueError, match="0 or more, not -1"):
            driver.advance(-1)

    def test_the_monotonic_time_of_the_original_module_is_it(self, driver) -> None:
        driver.advance(7)

        assert driver.original("time").monotonic() == 7.0
        assert driver.original("time").time is time.time
        assert time.monotonic() != 7.0
        assert driver.original("os") is os


class TestTheScriptWaits:
    def test_those_that_have_begun_go_on(self, driver) -> None:
        event = driver.event()

        def work() -> None:
            driver.sleep(5)
            event.set()

        driver.spawn(work, name="one")
        driver.run()

        assert event.wait() is True
        assert driver.now() == 5.0

    def test_for_no_longer_than_it_says(self, driver) -> None:
        task = driver.spawn(lambda: driver.sleep(60), name="one")
        driver.run()

        assert driver.event().wait(10) is False
        assert driver.now() == 10.0
        assert driver.waiting == [task]

    def test_without_a_limit_and_without_hope_it_is_told(self, driver) -> None:
        driver.spawn(driver.event().wait, name="begun")
        driver.run()
        driver.spawn(int, name="new")

        with pytest.raises(
            scripted.Deadlock,
            match="the script waits for an event that is not set, and nobody can go"
            " on; there are: 'begun' waits for an event that is not set; 'new' has not",
        ):
            driver.event().wait()

    def test_a_look_lets_each_go_on_once(self, driver) -> None:
        calls = []

        def work() -> None:
            while True:
                calls.append("turn")
                driver.sleep(0)

        driver.spawn(work, name="one")
        driver.step()
        driver.sleep(0)
        driver.event().wait(0)

        assert calls == ["turn"] * 3


class TestDescriptors:
    @pytest.fixture
    def pipe(self):
        ends = os.pipe()
        yield ends
        for end in ends:
            os.close(end)

    def test_a_task_waits_until_one_is_ready(self, driver, pipe) -> None:
        task = driver.spawn(lambda: driver.wait_ready([pipe[0]]), name="reader")
        driver.run()
        assert driver.waiting == [task]
        assert task.waits_for is not None
        assert task.waits_for.what == scripted.Descriptors((pipe[0],), ())
        os.write(pipe[1], b"x")
        assert driver.ready == [task]
        driver.run()

        assert task.wait() == ([pipe[0]], [])

    def test_or_until_the_time_is_over(self, driver, pipe) -> None:
        task = driver.spawn(lambda: driver.wait_ready([pipe[0]], (), 3), name="reader")
        driver.advance(3)

        assert task.wait() == ([], [])


class TestTheEnd:
    def test_what_has_not_ended_is_ended(self) -> None:
        ended = []

        def work() -> None:
            try:
                driver.event().wait()
            finally:
                driver.sleep(1)  # which is a wait, too
                ended.append("work")

        with scripted.ScriptedDriver() as driver:
            task = driver.spawn(work, name="begun")
            driver.run()
            new = driver.spawn(lambda: ended.append("new"), name="new")

        assert task.done
        assert new.done
        assert ended == []

    def test_what_does_not_end_is_named(self) -> None:
        def work() -> None:
            while True:
                try:
                    driver.event().wait()
                except scripted.Killed:
                    pass

        driver = scripted.ScriptedDriver()
        driver.spawn(work, name="immortal")
        driver.run()

        with pytest.raises(RuntimeError, match=r"nothing ends .*: 'immortal' w"):
            driver.close()


class TestUnderTheLibrary:
    @pytest.fixture
    def driver(self):
        with scripted.selected() as driver:
            yield driver

    def test_it_is_selected_for_a_while(self) -> None:
        before = backend.get_backend_type()
        with scripted.selected() as driver:
            assert backend.get_backend() is driver
            assert backend.get_backend_type() == "scripted"

        assert backend.get_backend_type() == before

    def test_a_loop_keeps_its_pace_by_hand(self, driver) -> None:
        ticks = []
        loop = loopingcall.FixedIntervalLoopingCall(lambda: ticks.append(driver.now()))
        loop.start(10)
        driver.advance(35)
        loop.stop()

        assert ticks == [0.0, 10.0, 20.0, 30.0]
        assert loop.wait() is True

    def test_a_thread_that_has_not_begun_when_its_group_stops_never_does(
        self, driver
    ) -> None:
        group, calls = threadgroup.ThreadGroup(), []
        thread = group.add_thread(calls.append, "begun")
        group.stop()
        driver.run()

        assert calls == []
        with pytest.raises(exceptions.TaskCancelled):
            thread.wait()
