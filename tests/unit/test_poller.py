# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which descriptors are ready: by epoll, and by the driver's own waiting."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oslo_service.backend.threading import ThreadingDriver
from oslo_service.serving.epoll_poller import EpollPoller
from oslo_service.serving.poller import END, READ, WRITE, Found, Poller
from oslo_service.serving.portable_poller import PortablePoller
from oslo_service.testing import scripted
from oslo_service.testing.waiting import ended, in_time

LIMIT = 30.0
THREADS = ThreadingDriver()


@pytest.fixture(params=[EpollPoller, PortablePoller])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    """One of either kind."""
    made = request.param(THREADS)
    yield made
    made.close()


@pytest.fixture
def script() -> Iterator[scripted.ScriptedDriver]:
    """A driver whose tasks go on when they are told to."""
    with scripted.ScriptedDriver() as driver:
        yield driver


@pytest.fixture(params=[EpollPoller, PortablePoller])
def scripted_poller(
    request: pytest.FixtureRequest, script: scripted.ScriptedDriver
) -> Iterator[Poller]:
    """One of either kind, on the scripted driver."""
    made = request.param(script)
    yield made
    script.close()
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection that do not block."""
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


class TestReading:
    """What can be read is told once."""

    def test_nothing_is_told_of_the_silent(self, poller, pair) -> None:
        poller.add(pair[0].fileno())
        assert poller.wait(0) == []

    def test_data_is_told_once(self, poller, pair) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        pair[1].send(b"x")
        assert [(found, events & READ) for found, events in poller.wait(LIMIT)] == [
            (fd, READ)
        ]
        assert poller.wait(0) == []

    def test_and_again_when_more_comes_after_it_has_been_read(
        self, poller, pair
    ) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        for _ in range(3):
            pair[1].send(b"x")
            assert [found[0] for found in poller.wait(LIMIT)] == [fd]
            pair[0].recv(9)
            poller.drained(fd)
        assert [found for found in poller.wait(0) if found[0] == fd] == []

    def test_the_end_is_told(self, poller, pair) -> None:
        poller.add(pair[0].fileno())
        pair[1].close()
        ((fd, events),) = poller.wait(LIMIT)
        assert fd == pair[0].fileno()
        assert events & READ
        assert events & END

    def test_what_is_removed_is_told_no_more(self, poller, pair) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        poller.remove(fd)
        pair[1].send(b"x")
        assert poller.wait(0) == []

    def test_a_listener_is_told_as_long_as_somebody_waits(self, poller) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            poller.add_listener(listener.fileno())
            with socket.create_connection(listener.getsockname()):
                for _ in range(3):
                    found = poller.wait(LIMIT)
                    assert [fd for fd, _ in found] == [listener.fileno()]
                listener.accept()[0].close()
                assert poller.wait(0) == []


class TestWriting:
    """What can be written is told on demand."""

    def test_it_is_told_while_it_is_wanted(self, poller, pair) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        poller.want_write(fd, True)
        assert poller.wait(LIMIT) == [(fd, WRITE)]
        poller.want_write(fd, False)
        assert poller.wait(0) == []

    def test_not_before_there_is_room(self, poller, pair) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        fill(pair[0].send)
        poller.want_write(fd, True)
        assert poller.wait(0) == []
        drain_all(pair[1])
        assert poller.wait(LIMIT) == [(fd, WRITE)]


class TestTimes:
    @pytest.mark.parametrize("seconds", [1e7, 1e10, 1e18, None])
    def test_one_that_the_kernel_cannot_count_is_legal(
        self, poller, pair, seconds
    ) -> None:
        one, other = pair
        poller.add(one.fileno())
        other.send(b"!")
        found = poller.wait(seconds)
        while not found:  # it was only woken, to look at what was added
            found = poller.wait(seconds)
        assert [fd for fd, _ in found] == [one.fileno()]


class TestWaking:
    """A wait is ended from any other task."""

    def test_in_another_native_thread(self, poller) -> None:
        waker = threading.Timer(0.01, poller.wake)
        waker.start()

        assert in_time(THREADS, lambda: poller.wait(None), "the wait ends") == []
        waker.join(LIMIT)

    def test_before_it_begins(self, scripted_poller, script) -> None:
        scripted_poller.wake()

        assert follow(script, lambda: scripted_poller.wait(None)).wait() == []

    def test_while_it_waits(self, scripted_poller, script) -> None:
        leader = follow(script, lambda: scripted_poller.wait(None))
        assert script.waiting == [leader]
        scripted_poller.wake()
        script.run()

        assert leader.wait() == []

    def test_once(self, scripted_poller, script) -> None:
        for _ in range(70000):  # more than the pipe takes
            scripted_poller.wake()
        for _ in range(100):  # each reads some
            if not follow(script, lambda: scripted_poller.wait(None)).done:
                break
        (leader,) = script.waiting
        script.advance(3600)
        assert script.waiting == [leader]

        scripted_poller.wake()
        script.run()
        assert leader.wait() == []

    def test_what_is_added_meanwhile_counts(
        self, scripted_poller, script, pair
    ) -> None:
        pair[1].send(b"x")
        found: list[Found] = []

        def lead() -> None:
            while not found:
                found.extend(scripted_poller.wait(None))

        leader = follow(script, lead)
        assert script.waiting == [leader]
        scripted_poller.add(pair[0].fileno())
        script.run()

        assert [fd for fd, _ in found] == [pair[0].fileno()]

    @pytest.mark.parametrize("kind", [EpollPoller, PortablePoller])
    def test_the_end_leaves_nothing_open(self, kind: type[Poller]) -> None:
        before = open_descriptors()
        made = kind(THREADS)
        assert open_descriptors() > before
        made.close()
        assert open_descriptors() == before

    def test_after_the_end_it_is_harmless(self, poller) -> None:
        poller.close()
        poller.close()
        poller.wake()


class TestWaitingForOne:
    """A task that does not lead waits, while another one does."""

    @pytest.fixture
    def led(self, scripted_poller, script) -> Poller:
        """A poller that somebody waits with."""

        def lead() -> None:
            while True:
                scripted_poller.wait(None)

        script.step(script.spawn(lead, name="leader"))
        return scripted_poller

    def test_until_it_can_be_read(self, led, pair, script) -> None:
        led.add(pair[0].fileno())
        task = follow(
            script, lambda: led.wait_for(pair[0].fileno(), write=False, timeout=None)
        )
        assert not task.done
        pair[1].send(b"x")
        script.run()

        assert task.wait() is True

    def test_what_has_been_told_before_does_not_count_as_read(
        self, led, pair, script
    ) -> None:
        led.add(pair[0].fileno())
        pair[1].send(b"x")
        for _ in range(3):
            task = follow(
                script,
                lambda: led.wait_for(pair[0].fileno(), write=False, timeout=None),
            )
            assert task.wait() is True

    def test_until_it_can_be_written(self, led, pair, script) -> None:
        def wait() -> bool:
            return led.wait_for(pair[0].fileno(), write=True, timeout=None)

        led.add(pair[0].fileno())
        assert follow(script, wait).wait() is True
        fill(pair[0].send)
        task = follow(script, wait)
        assert not task.done
        drain_all(pair[1])
        script.run()

        assert task.wait() is True

    def test_it_does_not_matter_what_others_want_to_be_told_of(
        self, led, pair, script
    ) -> None:
        fd = pair[0].fileno()
        led.add(fd)
        fill(pair[0].send)
        task = follow(script, lambda: led.wait_for(fd, write=True, timeout=None))
        # Another one has sent what had to wait, and does not know of this one.
        led.want_write(fd, False)
        script.run()
        drain_all(pair[1])
        script.run()

        assert task.wait() is True

    def test_not_longer_than_it_is_to(self, led, pair, script) -> None:
        led.add(pair[0].fileno())
        task = follow(
            script, lambda: led.wait_for(pair[0].fileno(), write=False, timeout=5)
        )
        script.advance(4)
        assert not task.done
        script.advance(1)

        assert task.wait() is False


@pytest.mark.parametrize("kind", [EpollPoller, PortablePoller])
def test_others_run_though_there_is_always_somebody_ready(driver, pair, kind) -> None:
    poller = kind(driver)
    poller.add_listener(pair[0].fileno())
    pair[1].send(b"never read")
    over = driver.event()

    def lead() -> int:
        found = 0
        while not over.is_set():
            found += len(poller.wait(None))
            if found > 100:
                led.set()
        return found

    led = driver.event()
    leader = driver.spawn(lead, name="leader")
    assert led.wait(LIMIT), "others run though the leader always finds something"
    over.set()

    assert ended(leader, "others run, and end it") > 100
    poller.close()


def test_where_tasks_share_a_thread_none_waits_in_the_kernel(script) -> None:
    poller = EpollPoller(script)
    kernel, asked = poller._epoll, []

    class Kernel:
        fileno = kernel.fileno

        @staticmethod
        def poll(timeout: float, most: int) -> list[tuple[int, int]]:
            asked.append(timeout)
            return kernel.poll(0, most)

    poller._epoll = Kernel
    task = follow(script, lambda: poller.wait(5))
    script.advance(5)
    assert task.wait() == []
    assert asked == [0, 0]
    poller._epoll = kernel
    poller.close()


def test_what_is_removed_is_not_waited_for_any_more(script, pair) -> None:
    poller, fd = PortablePoller(script), pair[0].fileno()
    poller.add(fd)

    def lead() -> None:
        while True:
            poller.wait(None)

    def waited_for() -> tuple[int, ...]:
        assert isinstance(leader.waits_for.what, scripted.Descriptors)
        return leader.waits_for.what.read

    leader = follow(script, lead)
    assert fd in waited_for()
    remover = script.spawn(lambda: poller.remove(fd), name="remover")
    script.step(remover)
    assert not remover.done
    script.step(leader)
    script.step(remover)

    assert remover.done
    assert fd not in waited_for()


def follow(
    script: scripted.ScriptedDriver, call: Callable[[], object]
) -> scripted.ScriptedTask:
    """Make a call in a task, and have everybody go on until all wait."""
    task = script.spawn(call, name="follower")
    script.run()
    return task


def open_descriptors() -> set[Path]:
    """List what this process has open, but for what this opens."""
    return {one for one in Path("/proc/self/fd").iterdir() if one.exists()}


def drain_all(end: socket.socket) -> None:
    """Read everything that is there."""
    while drain(end):
        pass


def fill(send: Callable[[bytes], int]) -> None:
    """Send until there is no room."""
    try:
        while True:
            send(b"x" * 65536)
    except BlockingIOError:
        pass


def drain(end: socket.socket) -> bool:
    """Read what is there; return whether there was something."""
    try:
        return bool(end.recv(65536))
    except BlockingIOError:
        return False
