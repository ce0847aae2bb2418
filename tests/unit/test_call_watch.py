# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which calls are long, and what becomes of their requests: with time in hand."""

import logging
from collections.abc import Iterator
from threading import Lock
from typing import Any

import pytest

from oslo_service._common import clock
from oslo_service._common.frames import stack_of
from oslo_service.http.request import Request
from oslo_service.http.response import Response
from oslo_service.serving import slow_requests
from oslo_service.serving.call_watch import CallWatch


class Session:
    """Notes what it is told."""

    def __init__(self, current: object = None) -> None:
        self.current = current
        self.told: list[tuple[object, float, bool]] = []

    def report_long_call(
        self, call: object, seconds: float, stack: object, *, too_long: bool
    ) -> None:
        """Record it."""
        self.told.append((call, seconds, too_long))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time."""
    hands = [100.0]
    monkeypatch.setattr(clock, "now", lambda: hands[0])
    return hands


def frames() -> dict[int, Any]:
    return {}


class TestWatch:
    def test_each_limit_is_reported_once_in_its_time(self, now) -> None:
        watch, session = CallWatch(2, 5, Lock()), Session("a request")
        assert watch.next() is None
        assert watch.begin(session, 1)
        assert watch.next() == 102
        for now[0] in (101.9, 102.0, 104.0, 105.5, 200.0):
            watch.report(frames)
        assert session.told == [("a request", 2.0, False), ("a request", 5.5, True)]
        assert watch.next() is None

    def test_who_begins_is_due_first_where_others_are_slow_already(self, now) -> None:
        watch, slow, next_one = CallWatch(2, 50, Lock()), Session(), Session()
        watch.begin(slow, 1)
        assert not watch.begin(Session(), 2), "the first one is due first"
        now[0] += 10
        watch.report(frames)
        assert watch.next() == 150
        assert watch.begin(next_one, 3), "who waits until then has to know"
        assert watch.next() == 112

    @pytest.mark.parametrize(("slow", "timeout"), [(3, 0), (0, 3)])
    def test_one_of_them_may_be_off(self, now, slow, timeout) -> None:
        watch, session = CallWatch(slow, timeout, Lock()), Session()
        watch.begin(session, 1)
        now[0] += 1000
        watch.report(frames)
        assert session.told == [(None, 1000.0, bool(timeout))]

    def test_what_has_ended_is_not_reported(self, now) -> None:
        watch, one, two = CallWatch(2, 5, Lock()), Session(), Session()
        assert watch.begin(one, 1)
        now[0] += 1
        assert not watch.begin(two, 2), "somebody looks already"
        watch.end(one)
        assert watch.next() == 103
        now[0] += 10
        watch.report(frames)
        assert one.told == []
        assert len(two.told) == 2

    def test_nobody_asks_where_the_tasks_are_where_nothing_is_long(self, now) -> None:
        watch = CallWatch(2, 5, Lock())
        watch.begin(Session(), 1)
        watch.report(lambda: pytest.fail("it takes its time"))


class Sender:
    """Sends, as long as nobody has sent the last."""

    pending = 0

    def __init__(self) -> None:
        self.sent = b""

    def send_last(self, data: bytes, _reason: str, claim: Any) -> bool:
        """Send it where it may be."""
        if not claim():
            return False
        self.sent += data
        return True

    def close_notify(self) -> None:
        """Have nothing to say."""

    def shut_down(self) -> None:
        """Tell that nothing follows."""
        self.sent += b"<end>"

    def send(self, *parts: bytes) -> None:
        """Send it."""
        self.sent += b"".join(parts)

    send_parts = send

    def throttle(self) -> None:
        """Have all the room in the world."""

    def will_close(self) -> bool:
        """Whether the connection ends: it does not."""
        return False


class TestAnswers:
    @pytest.fixture
    def request_(self) -> Request:
        return Request("GET", "/", "1.1", {})

    def test_it_is_answered_while_nothing_has_been_sent(self, request_) -> None:
        sender: Any = Sender()
        request_.response = response = Response(request_, sender)
        assert slow_requests.answer(request_, sender)
        assert sender.sent.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert sender.sent.endswith(b"Connection: close\r\n\r\n<end>")
        # What the application still does is nobody's business.
        assert response.status == "503 Service Unavailable"
        sent = sender.sent
        response.start("200 OK", [])(b"late")
        response.send_all([b"later"])
        assert (sender.sent, response.complaint) == (sent, None)
        assert response.status == "503 Service Unavailable"

    def test_also_where_it_has_a_status(self, request_) -> None:
        sender: Any = Sender()
        request_.response = response = Response(request_, sender)
        response.start("200 OK", [])
        assert slow_requests.answer(request_, sender)
        assert sender.sent.startswith(b"HTTP/1.1 503 ")

    @pytest.mark.parametrize("finished", [False, True])
    def test_but_not_after_that(self, request_, finished: bool) -> None:
        sender: Any = Sender()
        request_.response = response = Response(request_, sender)
        response.start("200 OK", [])
        response.write(b"some")
        if finished:
            response.finish()
        sent = sender.sent
        assert not slow_requests.answer(request_, sender)
        assert sender.sent == sent

    def test_nor_where_it_is_over(self, request_) -> None:
        sender: Any = Sender()
        assert not slow_requests.answer(request_, sender)
        assert sender.sent == b""

    def test_the_log_says_where_it_is(self, request_, caplog) -> None:
        import sys

        with caplog.at_level(logging.WARNING):
            slow_requests.report(
                request_,
                ("192.0.2.1", 1),
                1.26,
                stack_of(sys._getframe()),
                answered=True,
            )
        assert "GET / HTTP/1.1 of ('192.0.2.1', 1) is with the app" in caplog.text
        assert "for 1.3 s and has been answered with 503, at:" in caplog.text
        assert "in test_the_log_says_where_it_is" in caplog.text
