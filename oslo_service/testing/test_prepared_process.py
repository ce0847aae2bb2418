# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: in a process that the driver has prepared, ordinary code waits as it does.

Unlike the others, these tests run in such a process.
"""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from oslo_service import loopingcall, threadgroup
from oslo_service.backend.base import Driver
from oslo_service.testing.suite import check_capabilities
from oslo_service.testing.waiting import LIMIT, Log, ended


@pytest.fixture(name="driver")
def prepared_driver(
    oslo_service_driver: Driver, request: pytest.FixtureRequest
) -> Driver:
    """The driver, which has prepared this process."""
    check_capabilities(request.node, oslo_service_driver.name)
    return oslo_service_driver


class TestEnvironment:
    """Who launches a service is told what the process lacks."""

    def test_the_process_is_prepared(self, driver: Driver) -> None:
        assert driver.is_prepared(), "is_prepared() tells what prepare_process() did"

    @pytest.mark.needs_capability("blocking_calls")
    def test_there_is_nothing_to_warn_of(self, driver: Driver) -> None:
        assert driver.environment_warning() is None

    @pytest.mark.lacks_capability("blocking_calls")
    def test_a_launcher_warns_where_blocking_calls_hold_up_everything(
        self, driver: Driver
    ) -> None:
        warning = driver.environment_warning()

        assert warning is not None
        assert "blocks" in warning


@pytest.mark.needs_capability("blocking_calls")
class TestStandardLibrary:
    """What blocks in the standard library blocks the task, not the process."""

    def test_sleeping(self, driver: Driver) -> None:
        others = Log()

        def sleep() -> bool:
            end = time.monotonic() + LIMIT
            while not others.entries and time.monotonic() < end:
                time.sleep(0.01)
            return bool(others.entries)

        sleeper = driver.spawn(sleep, name="sleeper")
        driver.spawn(others, name="other")
        assert ended(sleeper, "time.sleep() ends"), "others run meanwhile"

    def test_waiting_for_an_event(self, driver: Driver) -> None:
        event = threading.Event()
        task = driver.spawn(lambda: event.wait(LIMIT), name="waits")
        driver.spawn(event.set, name="sets")

        assert ended(task, "it is woken") is True

    def test_waiting_for_a_lock(self, driver: Driver) -> None:
        lock = threading.Lock()
        lock.acquire()
        task = driver.spawn(lambda: lock.acquire(timeout=LIMIT), name="waits")
        driver.spawn(lock.release, name="releases")

        assert ended(task, "it gets the lock") is True

    def test_waiting_for_a_queue(self, driver: Driver) -> None:
        items: queue.Queue[int] = queue.Queue()
        task = driver.spawn(lambda: items.get(timeout=LIMIT), name="consumer")
        driver.spawn(lambda: items.put(3), name="producer")

        assert ended(task, "what is put in is got") == 3

    def test_waiting_for_a_socket(self, driver: Driver) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> bytes:
                client, _ = server.accept()
                with client:
                    return client.recv(10)

            task = driver.spawn(serve, name="server")
            with socket.create_connection(server.getsockname(), LIMIT) as client:
                client.sendall(b"hello")
                assert ended(task, "the server gets what is sent") == b"hello"

    def test_threads_of_the_standard_library(self, driver: Driver) -> None:
        ends = threading.Event()
        thread = threading.Thread(target=ends.wait, args=(LIMIT,))
        thread.start()
        driver.spawn(ends.set, name="setter")

        thread.join(LIMIT)

        assert not thread.is_alive()


@contextlib.contextmanager
def holding_up_others(driver: Driver) -> Iterator[None]:
    """Check that no other task runs meanwhile, where they take turns."""
    others = Log()
    task = driver.spawn(lambda: others("ran"), name="other")
    yield
    if not driver.capabilities.parallel:
        assert not others.entries, "what is original blocks the native thread"
    ended(task, "it ends")


class TestThreadLocals:
    """Where tasks are cooperative, a driver knows who may have some."""

    @pytest.fixture(autouse=True)
    def cooperative(self, driver: Driver) -> None:
        if driver.capabilities.parallel:
            pytest.skip("nobody asks there")

    def test_a_task_that_has_left_something_in_one_is_known(
        self, driver: Driver
    ) -> None:
        local = threading.local()

        def leave() -> bool:
            local.said = "something"
            return driver.holds_thread_locals()

        assert ended(driver.spawn(leave, name="leaves something"), "it ends") is True

    def test_so_is_one_that_has_only_looked_into_one_of_a_class(
        self, driver: Driver
    ) -> None:
        class Counting(threading.local):
            made = 0

            def __init__(self) -> None:
                Counting.made += 1

        local = Counting()

        def look() -> bool:
            assert local.made
            return driver.holds_thread_locals()

        assert ended(driver.spawn(look, name="looks"), "it ends") is True

    def test_so_is_one_that_has_left_something_in_its_thread_object(
        self, driver: Driver
    ) -> None:
        def leave() -> bool:
            vars(threading.current_thread())["said"] = "something"
            return driver.holds_thread_locals()

        assert ended(driver.spawn(leave, name="leaves something"), "it ends") is True


class TestOriginals:
    """What original() gives blocks the native thread, as it did before."""

    def test_sleeping(self, driver: Driver) -> None:
        with holding_up_others(driver):
            driver.original("time").sleep(0.01)

    def test_waiting_for_a_lock(self, driver: Driver) -> None:
        lock = driver.original("_thread").allocate_lock()
        lock.acquire()
        with holding_up_others(driver):
            assert lock.acquire(timeout=0.01) is False

    def test_waiting_for_a_descriptor(self, driver: Driver) -> None:
        poll = driver.original("select").poll()
        with holding_up_others(driver):
            assert poll.poll(10) == []

    def test_waiting_for_a_socket(self, driver: Driver) -> None:
        left, right = driver.original("socket").socketpair()
        left.settimeout(0.01)
        with left, right, holding_up_others(driver), pytest.raises(TimeoutError):
            left.recv(1)

    def test_threads_are_native(self, driver: Driver) -> None:
        native, original = Log(), driver.original("threading")
        thread = original.Thread(target=lambda: native(original.get_native_id()))
        thread.start()
        thread.join(LIMIT)

        assert len(native) == 1
        assert native.entries != [original.get_native_id()]


class TestLibrary:
    """And what the library has works beside that."""

    def test_a_loop_may_block_in_the_standard_library(self, driver: Driver) -> None:
        calls: list[int] = []

        def call() -> None:
            time.sleep(0.001)
            calls.append(1)
            if len(calls) == 3:
                raise loopingcall.LoopingCallDone("three")

        loop = loopingcall.FixedIntervalLoopingCall(call).start(0.001)

        assert ended(driver.spawn(loop.wait, name="waits"), "it ends") == "three"

    def test_a_group_may_block_in_the_standard_library(self, driver: Driver) -> None:
        group = threadgroup.ThreadGroup()
        threads = [group.add_thread(time.sleep, 0.001) for _ in range(20)]

        ended(driver.spawn(group.waitall, name="waits"), "they end")

        assert all(thread.done for thread in threads)
