# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A response, as the bytes that a client gets."""

import sys

import pytest

from oslo_service.http import response as responses
from oslo_service.http.request import Request
from oslo_service.http.response import Phase, Response

TEXT = ("Content-Type", "text/plain")


class ResponseSink:
    """Where a response goes here."""

    def __init__(self) -> None:
        self.sent = b""
        self.throttled = 0
        self.closes = False

    def send(self, *parts: bytes) -> None:
        """Keep what is sent."""
        self.sent += b"".join(parts)

    send_parts = send

    def will_close(self) -> bool:
        """Whether the connection ends."""
        return self.closes

    def throttle(self) -> None:
        """Count."""
        self.throttled += 1

    @property
    def head(self) -> list[str]:
        """The lines before the body, without the date."""
        lines = self.sent.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return [line for line in lines if not line.startswith("Date: ")]

    @property
    def body(self) -> bytes:
        """What follows."""
        return self.sent.partition(b"\r\n\r\n")[2]


@pytest.fixture
def sink() -> ResponseSink:
    """A client that takes everything."""
    return ResponseSink()


def respond(sink: ResponseSink, method: str = "GET", version: str = "1.1") -> Response:
    """Make the response to a request."""
    return Response(Request(method, "/", version, {}), sink)


class TestFraming:
    """How a client finds the end of the body."""

    def test_what_is_whole_has_its_length(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [TEXT])
        response.send_all([b"ab", b"c"])
        assert sink.head == [
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain",
            "Content-Length: 3",
        ]
        assert sink.body == b"abc"
        assert response.phase is Phase.FINISHED
        assert not response.close

    def test_what_comes_in_parts_is_chunked(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [])
        response.write(b"ab")
        response.write(b"")
        response.write(b"c" * 20)
        response.finish()
        assert "Transfer-Encoding: chunked" in sink.head
        assert sink.body == b"2\r\nab\r\n14\r\n" + b"c" * 20 + b"\r\n0\r\n\r\n"
        assert sink.throttled == 2

    def test_http10_ends_with_the_connection(self, sink) -> None:
        response = respond(sink, version="1.0")
        response.start("200 OK", [])
        response.write(b"ab")
        response.finish()
        assert sink.body == b"ab"
        assert sink.head[-1] == "Connection: close"
        assert response.close

    def test_http10_is_told_that_it_goes_on(self, sink) -> None:
        response = respond(sink, version="1.0")
        response.start("200 OK", [])
        response.send_all([b"ab"])
        assert sink.head[-1] == "Connection: keep-alive"

    def test_a_declared_length_is_kept(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [("content-length", "4")])
        response.write(b"ab")
        response.write(b"cd")
        response.finish()
        assert "Content-Length: 4" in sink.head
        assert sink.body == b"abcd"
        assert response.complaint is None

    @pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
    def test_some_have_no_body(self, sink, status) -> None:
        response = respond(sink)
        response.start(status, [])
        response.send_all([b"ab"])
        assert sink.body == b""
        assert not any("Encoding" in line for line in sink.head)

    def test_the_answer_to_head_tells_the_length_only(self, sink) -> None:
        response = respond(sink, "HEAD")
        response.start("200 OK", [])
        response.send_all([b"abc"])
        assert "Content-Length: 3" in sink.head
        assert sink.body == b""

    def test_an_empty_answer_to_head_does_not_tell_one(self, sink) -> None:
        response = respond(sink, "HEAD")
        response.start("200 OK", [])
        response.send_all([b""])
        assert not any("Length" in line for line in sink.head)

    def test_nothing_at_all_is_an_empty_body(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [])
        response.finish()
        assert "Content-Length: 0" in sink.head


class TestFaults:
    """What applications do wrong."""

    def test_too_much_is_cut(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [("Content-Length", "3")])
        response.send_all([b"abcdef"])
        assert sink.body == b"abc"
        assert "longer" in response.complaint

    def test_too_little_ends_the_connection(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [("Content-Length", "9")])
        response.send_all([b"abc"])
        assert response.close
        assert "3 bytes" in response.complaint

    @pytest.mark.parametrize(
        ("status", "headers"),
        [
            ("fine", []),
            ("99 Low", []),
            ("100 Continue", []),
            ("200 OK\r\nX: y", []),
            ("200 OK", [("X", "a\r\nY: b")]),
            ("200 OK", [("X", "a\nY: b")]),
            ("200 OK", [("X", "a\0")]),
            ("200 OK", [("X y", "a")]),
            ("200 OK", [("", "a")]),
            ("200 OK", [("X", "\u20ac")]),
            ("200 OK", [("Content-Length", "-1")]),
            ("200 OK", [("Content-Length", "many")]),
            ("200 OK", [("Content-Length", "1"), ("Content-Length", "2")]),
            ("200 OK", [("Transfer-Encoding", "chunked")]),
        ],
    )
    def test_a_head_that_is_none_is_not_sent(self, sink, status, headers) -> None:
        response = respond(sink)
        with pytest.raises(ValueError):
            start_and_send(response, status, headers)
        assert sink.sent == b""
        assert response.phase is Phase.WAITING

    @pytest.mark.parametrize("part", ["text", None, 5])
    def test_a_body_is_made_of_bytes(self, sink, part) -> None:
        response = respond(sink)
        response.start("200 OK", [])
        with pytest.raises(TypeError):
            response.write(part)
        with pytest.raises(TypeError):
            response.send_all([part])
        assert sink.sent == b""

    def test_there_is_no_body_without_a_start(self, sink) -> None:
        with pytest.raises(RuntimeError, match="start_response"):
            respond(sink).send_all([b"x"])

    def test_starting_twice_takes_a_failure(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [])
        with pytest.raises(RuntimeError, match="twice"):
            response.start("200 OK", [])
        response.start("500 Sorry", [], (ValueError, ValueError("x"), None))
        response.send_all([b""])
        assert sink.head[0] == "HTTP/1.1 500 Sorry"

    def test_once_it_has_begun_the_failure_is_raised(self, sink) -> None:
        response = respond(sink)
        response.start("200 OK", [])
        response.write(b"x")
        with pytest.raises(ZeroDivisionError):
            fail_and_start(response)


class TestFields:
    """What else the head says."""

    def test_the_date_is_the_servers_or_the_applications(self, sink) -> None:
        start_and_send(respond(sink), "200 OK", [("date", "yesterday")])
        assert sink.sent.count(b"Date: ") == 1
        assert b"Date: yesterday\r\n" in sink.sent

    def test_the_application_may_end_the_connection(self, sink) -> None:
        response = respond(sink)
        start_and_send(response, "200 OK", [("connection", "Close")])
        assert response.close
        assert sink.sent.count(b"onnection: ") == 1

    def test_so_may_the_server(self, sink) -> None:
        sink.closes = True
        response = respond(sink)
        start_and_send(response, "200 OK", [])
        assert response.close
        assert "Connection: close" in sink.head

    def test_fields_keep_their_order_and_their_repetitions(self, sink) -> None:
        headers = [("Set-Cookie", "b=1"), ("X", "\xe9"), ("Set-Cookie", "a=2")]
        start_and_send(respond(sink), "200 OK", headers)
        assert sink.head[1:4] == ["Set-Cookie: b=1", "X: \xe9", "Set-Cookie: a=2"]


def test_an_error_of_the_servers_own_ends_the_connection() -> None:
    sent = responses.error_response("500 Internal Server Error", "caf\xe9")
    assert sent.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"\r\nConnection: close\r\n" in sent
    assert sent.endswith(b"Content-Length: 5\r\nConnection: close\r\n\r\ncaf\xc3\xa9")


def test_a_head_that_failed_leaves_nothing_behind(sink) -> None:
    response = respond(sink)
    wrong = [("Content-Length", "9"), ("Connection", "close"), ("X", "line\nbreak")]
    with pytest.raises(ValueError, match="line break"):
        start_and_send(response, "200 OK", wrong)
    fail_and_start(response)

    response.send_all([b"abc"])

    assert sink.head == ["HTTP/1.1 500 Sorry", "Content-Length: 3"]
    assert not response.close


def start_and_send(response: Response, status: str, headers: list) -> None:
    """Send a response without a body."""
    response.start(status, headers)
    response.send_all([b""])


def fail_and_start(response: Response) -> None:
    """Fail, and start again, as applications do."""
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        response.start("500 Sorry", [], sys.exc_info())
