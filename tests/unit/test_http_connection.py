# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The state of a connection: bytes and time in, requests and the end out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oslo_service.http.body_policy import CONTINUE, continue_response
from oslo_service.http.connection import Connection, Phase
from oslo_service.http.limits import Limits

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
LIMITS = Limits(timeout=10.0, linger=1.0, buffered_body=8, discarded_body=16)


def post(body: bytes, *fields: bytes, length: int | None = None) -> bytes:
    """Return a request with a body of a length."""
    head = [b"POST / HTTP/1.1", b"Host: a", *fields]
    head.append(b"Content-Length: %d" % (len(body) if length is None else length))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


@pytest.fixture
def connection() -> Connection:
    """A fresh one, at time 0."""
    return Connection(LIMITS, 0.0)


FACTS = st.sampled_from(
    [
        ("receive", GET % 1),
        ("receive", GET % 1 + GET % 2),
        ("receive", b"GET / HT"),
        ("receive", post(b"abc", length=30)),
        ("receive", post(b"", b"Expect: 100-continue", length=8)),
        ("receive", b"nonsense\r\n\r\n"),
        ("receive_eof",),
        ("expire",),
        ("drain",),
        ("answer",),
        ("tell",),
    ]
)


@given(st.lists(FACTS, max_size=20))
@settings(max_examples=500, derandomize=True, database=None)
def test_whatever_happens_the_phase_only_goes_on(facts) -> None:
    connection = Connection(LIMITS, 0.0)
    phases = list(Phase)
    for now, (fact, *data) in enumerate(facts):
        before = phases.index(connection.phase)
        happen(connection, fact, *data, now=float(now))
        assert phases.index(connection.phase) >= before
        if connection.phase is Phase.REJECTING:
            assert connection.error is not None
        if connection.phase in (Phase.LINGERING, Phase.CLOSED):
            assert connection.next_request() is None
        if connection.phase is Phase.OPEN and connection.current is None:
            assert connection.requests or connection.wants_data(), (
                "it waits for nothing"
            )


def happen(connection: Connection, fact: str, *data: bytes, now: float) -> None:
    """Have something happen, as a session would."""
    if fact == "receive":
        if connection.input_open:
            connection.receive(*data, now)
    elif fact == "receive_eof":
        connection.receive_eof()
    elif fact == "tell":
        if connection.phase is Phase.REJECTING and connection.current is None:
            connection.error_sent(now)
    elif fact == "answer":
        if connection.current or connection.next_request():
            connection.answered(now, last=connection.will_close())
    else:
        getattr(connection, fact)(now)


class TestRequests:
    """What is to be answered, and when to read on."""

    def test_pipelined_requests_are_given_one_by_one(self, connection) -> None:
        connection.receive(GET % 1 + GET % 2, 0.0)
        first = connection.next_request()
        assert first.target == "/1"
        assert connection.next_request() is None
        connection.answered(0.0, last=False)
        assert connection.next_request().target == "/2"

    def test_nothing_is_read_while_requests_wait(self, connection) -> None:
        assert connection.wants_data()
        connection.receive(GET % 1 + GET % 2, 0.0)
        assert not connection.wants_data()
        connection.next_request()
        assert not connection.wants_data()
        connection.answered(0.0, last=False)
        connection.next_request()
        connection.answered(0.0, last=False)
        assert connection.wants_data()

    def test_a_small_body_is_awaited(self, connection) -> None:
        connection.receive(post(b"abc", length=8), 0.0)
        assert connection.next_request() is None
        assert connection.wants_data()
        connection.receive(b"defgh", 0.0)
        request = connection.next_request()
        assert request.body.complete
        assert request.body.take_all() == b"abcdefgh"

    def test_a_large_body_is_not(self, connection) -> None:
        connection.receive(post(b"x" * 8, length=9), 0.0)
        request = connection.next_request()
        assert not request.body.complete
        connection.receive(b"y", 0.0)
        assert request.body.complete

    def test_what_the_application_left_of_a_body_is_skipped(self, connection) -> None:
        connection.receive(post(b"x" * 8, length=20), 0.0)
        connection.next_request()
        assert not connection.will_close()
        connection.answered(0.0, last=False)
        connection.receive(b"x" * 12 + GET % 2, 0.0)
        assert connection.next_request().target == "/2"

    def test_where_that_is_much_the_connection_ends(self, connection) -> None:
        connection.receive(post(b"x" * 8, length=30), 0.0)
        connection.next_request()
        assert connection.will_close()
        connection.answered(3.0, last=True)
        assert connection.phase is Phase.LINGERING
        assert connection.wants_data()
        connection.receive(b"x" * 22 + GET % 2, 3.5)
        assert connection.next_request() is None
        assert connection.deadline == 3.5 + LIMITS.linger_idle

    @pytest.mark.parametrize(
        ("field", "version", "closes"),
        [
            (b"X: y", b"1.1", False),
            (b"Connection: close", b"1.1", True),
            (b"X: y", b"1.0", True),
            (b"Connection: keep-alive", b"1.0", False),
        ],
    )
    def test_keep_alive_is_what_the_client_says(
        self, connection, field, version, closes
    ) -> None:
        connection.receive(
            b"GET / HTTP/%b\r\nHost: a\r\n%b\r\n\r\n" % (version, field), 0.0
        )
        connection.next_request()
        assert connection.will_close() is closes

    def test_keep_alive_can_be_off(self) -> None:
        connection = Connection(Limits(keep_alive=False), 0.0)
        connection.receive(GET % 1, 0.0)
        connection.next_request()
        assert connection.will_close()

    def test_unread_data_makes_the_end_wait(self, connection) -> None:
        connection.receive(GET % 1, 0.0)
        connection.next_request()
        connection.answered(0.0, last=True, unread=True)
        assert connection.phase is Phase.LINGERING

    def test_without_the_connection_ends_at_once(self, connection) -> None:
        connection.receive(GET % 1, 0.0)
        connection.next_request()
        connection.answered(0.0, last=True)
        assert connection.phase is Phase.CLOSED


class TestExpectation:
    """Expect: 100-continue."""

    EXPECT = b"Expect: 100-continue"

    def test_a_small_body_is_asked_for_at_once(self, connection) -> None:
        assert connection.receive(post(b"", self.EXPECT, length=8), 0.0) == CONTINUE
        assert connection.next_request() is None
        assert connection.receive(b"x" * 8, 0.0) == b""
        assert connection.next_request().body.complete

    def test_a_large_one_when_the_application_reads(self, connection) -> None:
        assert connection.receive(post(b"", self.EXPECT, length=99), 0.0) == b""
        request = connection.next_request()
        assert connection.will_close()
        assert continue_response(request) == CONTINUE
        assert continue_response(request) == b""

    def test_one_behind_another_request_is_asked_for_when_that_is_answered(
        self, connection
    ) -> None:
        asked = GET % 1 + post(b"", self.EXPECT, length=8)
        assert connection.receive(asked, 0.0) == b""
        assert connection.next_request().target == "/1"
        assert connection.answered(0.0, last=False) == CONTINUE
        assert connection.next_request() is None
        assert connection.receive(b"x" * 8, 0.0) == b""
        assert connection.next_request().body.complete

    def test_a_client_that_does_not_wait_is_not_asked(self, connection) -> None:
        assert connection.receive(post(b"x" * 8, self.EXPECT), 0.0) == b""
        assert connection.next_request().body.complete


class TestRefusals:
    """Bytes that are no request."""

    def test_what_came_before_is_answered_first(self, connection) -> None:
        connection.receive(GET % 1 + b"nonsense\r\n\r\n", 0.0)
        assert connection.error.status == 400
        assert connection.next_request().target == "/1"
        connection.answered(0.0, last=False)
        assert connection.next_request() is None
        assert connection.phase is Phase.REJECTING

    def test_after_one_the_connection_lingers_and_ends(self, connection) -> None:
        connection.receive(b"nonsense\r\n\r\n", 0.0)
        connection.error_sent(0.0)
        assert connection.phase is Phase.LINGERING
        connection.receive(GET % 1, 0.0)
        assert connection.next_request() is None
        connection.expire(1.0)
        assert connection.phase is Phase.CLOSED

    def test_a_body_that_is_malformed_is_no_complete_one(self, connection) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.receive(head + b"8\r\n12345678\r\n", 0.0)
        request = connection.next_request()
        connection.receive(b"nonsense\r\n", 0.0)
        assert connection.error.status == 400
        assert not request.body.complete

    def test_wishes_to_change_over_may_be_many(self, connection) -> None:
        wish = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        connection.receive(wish * 1000, 0.0)
        assert len(connection.requests) == 1000

    def test_one_after_a_wish_to_change_over(self, connection) -> None:
        upgrade = (
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        )
        connection.receive(upgrade + b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 0.0)
        assert connection.error.status == 400

    def test_one_that_is_read_while_an_exception_is_handled(self, connection) -> None:
        try:
            raise RuntimeError("an application reads the body in its handler")
        except RuntimeError:
            connection.receive(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 0.0)
        assert connection.error.status == 400


class TestTime:
    """Deadlines."""

    def test_an_idle_connection_ends_silently(self, connection) -> None:
        assert connection.deadline == 10.0
        connection.expire(10.0)
        assert connection.phase is Phase.CLOSED
        assert connection.error is None

    def test_a_head_has_one_deadline_however_slowly_it_comes(self, connection) -> None:
        for at, byte in enumerate(b"GET / HTTP/1"):
            connection.receive(bytes((byte,)), float(at) / 2)
        assert connection.deadline == 10.0
        connection.expire(10.0)
        assert connection.error.status == 408

    def test_a_body_may_take_its_time_as_long_as_it_comes(self, connection) -> None:
        connection.receive(post(b"", length=8), 0.0)
        for at in range(7):
            connection.receive(b"x", 5.0 * at)
        assert connection.deadline == 40.0
        connection.expire(40.0)
        assert connection.error.status == 408

    def test_the_application_has_all_the_time_it_wants(self, connection) -> None:
        connection.receive(GET % 1, 0.0)
        connection.next_request()
        connection.expire(10.0)
        assert connection.phase is Phase.OPEN
        assert connection.deadline == 20.0

    def test_there_may_be_no_limit(self) -> None:
        connection = Connection(Limits(timeout=None), 0.0)
        assert connection.deadline is None
        connection.receive(GET % 1, 5.0)
        assert connection.deadline is None


class TestDrain:
    """The server stops."""

    def test_a_request_on_its_way_is_answered_and_is_the_last(self, connection) -> None:
        connection.drain(5.0)
        assert connection.deadline == 6.0
        connection.receive(GET % 1, 5.5)
        connection.next_request()
        assert connection.will_close()

    def test_an_idle_client_is_not_waited_for_any_longer(self, connection) -> None:
        connection.drain(5.0)
        connection.drain(5.9)
        connection.expire(6.0)
        assert connection.phase is Phase.CLOSED

    def test_a_body_that_arrives_keeps_its_deadline(self, connection) -> None:
        connection.receive(post(b"x", length=8), 4.0)
        connection.drain(5.0)
        assert connection.deadline == 14.0

    def test_a_head_that_dawdles_does_not(self, connection) -> None:
        connection.receive(b"GET / HT", 4.0)
        connection.drain(5.0)
        assert connection.deadline == 6.0


class TestEnd:
    """The client sends nothing more."""

    def test_who_sends_on_after_the_last_request_still_gets_the_answer(
        self, connection
    ) -> None:
        last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        connection.receive(last + b"GET", 0.0)
        connection.next_request()
        connection.answered(0.0, last=True)
        assert connection.phase is Phase.LINGERING

    def test_an_idle_connection_is_over(self, connection) -> None:
        connection.receive_eof()
        assert connection.phase is Phase.CLOSED

    def test_requests_that_came_before_are_answered(self, connection) -> None:
        connection.receive(GET % 1 + GET % 2, 0.0)
        connection.receive_eof()
        assert connection.next_request().target == "/1"
        connection.answered(0.0, last=False)
        assert connection.next_request().target == "/2"
        assert connection.will_close()
        connection.answered(0.0, last=True)
        assert connection.phase is Phase.CLOSED

    def test_half_a_request_is_not(self, connection) -> None:
        connection.receive(post(b"x", length=8), 0.0)
        connection.receive_eof()
        assert connection.next_request() is None
        assert connection.phase is Phase.CLOSED


@pytest.mark.parametrize(("count", "status"), [(100, None), (101, 431)])
def test_fields_of_a_trailer_are_limited_as_those_of_a_head(count, status) -> None:
    connection = Connection(Limits(), 0.0)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.receive(head + b"3\r\nabc\r\n0\r\n" + b"a: b\r\n" * count + b"\r\n", 0.0)
    error = connection.error
    assert (error and error.status) == status
