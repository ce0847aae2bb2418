# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which descriptors are ready: by epoll, and by the driver's own waiting."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from oslo_service.backend.threading import ThreadingDriver
from oslo_service.serving.epoll_poller import EpollPoller
from oslo_service.serving.poller import Poller
from oslo_service.serving.portable_poller import PortablePoller
from oslo_service.testing.waiting import ended, in_time, until

LIMIT = 30.0


@pytest.fixture(params=[EpollPoller, PortablePoller])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    """One of either kind."""
    made = request.param(ThreadingDriver())
    yield made
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
        assert [(found, read) for found, read, _ in poller.wait(LIMIT)] == [(fd, True)]
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
        assert poller.wait(LIMIT) == [(pair[0].fileno(), True, True)]

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
                    assert [fd for fd, _, _ in found] == [listener.fileno()]
                listener.accept()[0].close()
                assert poller.wait(0) == []


class TestWriting:
    """What can be written is told on demand."""

    def test_it_is_told_while_it_is_wanted(self, poller, pair) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        poller.want_write(fd, True)
        assert poller.wait(LIMIT) == [(fd, False, False)]
        poller.want_write(fd, False)
        assert poller.wait(0) == []

    def test_not_before_there_is_room(self, poller, pair) -> None:
        fd = pair[0].fileno()
        poller.add(fd)
        fill(pair[0].send)
        poller.want_write(fd, True)
        assert poller.wait(0) == []
        drain_all(pair[1])
        assert poller.wait(LIMIT) == [(fd, False, False)]


class TestWaking:
    """A wait is ended from any other task."""

    def test_before_it_begins(self, poller) -> None:
        poller.wake()
        assert poller.wait(LIMIT) == []

    def test_once(self, poller) -> None:
        for _ in range(70000):  # more than the pipe takes
            poller.wake()
        poller.wait(LIMIT)
        while poller.wait(0):
            pass
        assert poller.wait(0) == []

    def test_while_it_waits(self, poller) -> None:
        waker = threading.Timer(0.01, poller.wake)
        waker.start()
        assert poller.wait(LIMIT) == []
        waker.join(LIMIT)

    def test_what_is_added_meanwhile_counts(self, poller, pair) -> None:
        pair[1].send(b"x")
        adder = threading.Timer(0.01, poller.add, [pair[0].fileno()])
        adder.start()
        found = poller.wait(LIMIT) or poller.wait(LIMIT)
        assert [fd for fd, _, _ in found] == [pair[0].fileno()]
        adder.join(LIMIT)

    def test_after_the_end_it_is_harmless(self, poller) -> None:
        poller.close()
        poller.close()
        poller.wake()


class TestWaitingForOne:
    """A task that does not lead waits, while another one does."""

    @pytest.fixture
    def led(self, poller) -> Iterator[Poller]:
        """A poller that somebody waits with."""
        ended = threading.Event()

        def lead() -> None:
            while not ended.is_set():
                poller.wait(LIMIT)

        leader = threading.Thread(target=lead)
        leader.start()
        yield poller
        ended.set()
        poller.wake()
        leader.join(LIMIT)

    def test_until_it_can_be_read(self, led, pair) -> None:
        led.add(pair[0].fileno())
        sender = threading.Timer(0.01, pair[1].send, [b"x"])
        sender.start()
        assert led.wait_for(pair[0].fileno(), write=False, timeout=LIMIT)
        sender.join(LIMIT)

    def test_what_has_been_told_before_does_not_count_as_read(self, led, pair) -> None:
        led.add(pair[0].fileno())
        pair[1].send(b"x")
        for _ in range(3):
            assert led.wait_for(pair[0].fileno(), write=False, timeout=LIMIT)

    def test_until_it_can_be_written(self, led, pair) -> None:
        led.add(pair[0].fileno())
        assert led.wait_for(pair[0].fileno(), write=True, timeout=LIMIT)
        fill(pair[0].send)
        drainer = threading.Timer(0.01, drain_all, [pair[1]])
        drainer.start()
        assert led.wait_for(pair[0].fileno(), write=True, timeout=LIMIT)
        drainer.join(LIMIT)

    def test_not_longer_than_it_is_to(self, led, pair) -> None:
        led.add(pair[0].fileno())
        assert not led.wait_for(pair[0].fileno(), write=False, timeout=0.01)


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


def test_what_is_removed_is_not_waited_for_any_more(driver, pair) -> None:
    poller = PortablePoller(driver)
    waited: list[set[int]] = []
    wait_ready, fd = driver.wait_ready, pair[0].fileno()

    def watched(read, *rest):
        waited.append(set(read))
        try:
            return wait_ready(read, *rest)
        finally:
            waited.pop()

    driver.wait_ready = watched
    poller.add(fd)
    over = driver.event()

    def lead() -> None:
        while not over.is_set():
            poller.wait(None)

    leader = driver.spawn(lead, name="leader")
    until(driver, lambda: any(fd in fds for fds in waited), "the leader waits for it")

    in_time(driver, lambda: poller.remove(fd), "remove() returns")

    assert not any(fd in fds for fds in waited)
    over.set()
    poller.wake()
    ended(leader, "it ends")
    poller.close()


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
