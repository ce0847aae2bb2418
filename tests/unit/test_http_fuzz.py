# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Any bytes at all, from the first one to the answers.

The number of inputs of each test is in FUZZ_INPUTS; a long run is::

    FUZZ_INPUTS=100000 python -m pytest tests/unit/test_http_fuzz.py
"""

import itertools
import json
import logging
import re
from collections.abc import Iterable
from typing import Any

import httptools
import pytest
from fuzzing import fuzz, takes_longer
from hypothesis import example, given
from hypothesis import strategies as st

from oslo_service.http import environ, response
from oslo_service.http.access_log import AccessLog
from oslo_service.http.body_policy import CONTINUE, continue_response
from oslo_service.http.connection import Connection, Phase
from oslo_service.http.gateway import ClientGone, Gateway
from oslo_service.http.limits import Limits
from oslo_service.testing.http_corpus import CORPUS

LIMITS = Limits(url=64, header_line=128, headers=8, buffered_body=32)
SERVER = environ.of_server("a", "80", tls=False, multiprocess=False)
EXPECTED = {100, 200, 400, 413, 414, 417, 431, 501, 505}

pytestmark = takes_longer


def tell(environ: dict[str, Any], start: Any) -> Any:
    """Read the body; answer with what there was."""
    body = environ["wsgi.input"].read()
    start("200 OK", [])
    told = [environ["REQUEST_METHOD"], environ["PATH_INFO"], body.decode("latin-1")]
    return [json.dumps(told).encode("ascii")]


class Peer:
    """A connection between lists of bytes: a session without a socket."""

    remote = ("192.0.2.1", "1234")
    server_environ = SERVER

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)
        self._connection = Connection(LIMITS, 0.0)
        log = AccessLog(logging.getLogger("fuzz"), "%(request_line)s")
        self._gateway = Gateway(tell, log, debug=False)
        self.sent = b""
        self.aborted = False

    def will_close(self) -> bool:
        """Whether the answer is the last one."""
        return self._connection.will_close()

    def send(self, *parts: bytes) -> None:
        """Keep what is sent."""
        self.sent += b"".join(parts)

    send_parts = send

    def throttle(self) -> None:
        """Have all the room in the world."""

    def abort(self) -> None:
        """Record it."""
        self.aborted = True

    def send_file(self, fd: int, offset: int, count: int) -> int:
        """Have no system to do it."""
        return 0

    def own_host(self) -> None:
        """Be called what the server listens on."""

    def await_body(self, request: Any, body: Any) -> None:
        """Record more of what is sent."""
        connection = self._connection
        self.send(continue_response(request))
        while not (body.buffered or body.complete):
            if connection.error is not None:
                raise ClientGone("refused", connection.error)
            if not connection.input_open:
                raise ClientGone("the client left")
            self._receive()

    def _receive(self) -> None:
        part = next(self._parts, None)
        if part is None:
            self._connection.receive_eof()
        else:
            self.send(self._connection.receive(part, 0.0))

    def run(self) -> bytes:
        """Go on to the end; return what was sent."""
        connection = self._connection
        while True:
            request = connection.next_request()
            if request is not None:
                close = self._gateway.answer(request, self, 0.0)
                self.send(connection.answered(0.0, last=close))
            elif connection.phase is not Phase.OPEN:
                break
            else:
                assert connection.wants_data(), "nobody is waited for"
                self._receive()
        if connection.phase is Phase.REJECTING:
            assert connection.error is not None
            self.send(response.error_response(connection.error.status_text))
            connection.error_sent(0.0)
        connection.close()
        return self.sent


class Reader:
    """Reads answers as a client does."""

    def __init__(self, data: bytes) -> None:
        self.statuses: list[int] = []
        self.bodies: list[bytes] = []
        self._parser: Any = httptools.HttpResponseParser(self)
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin an answer."""
        self.bodies.append(b"")

    def on_body(self, data: bytes) -> None:
        """Record some of its body."""
        self.bodies[-1] += data

    def on_message_complete(self) -> None:
        """End an answer."""
        self.statuses.append(self._parser.get_status_code())


def check(parts: list[bytes]) -> None:
    """Check what is sent to a client that sends this."""
    peer = Peer(parts)
    sent = peer.run()
    if b"HEAD" not in b"".join(parts):  # its answers cannot be told apart so
        reader = Reader(sent)
        assert set(reader.statuses) <= EXPECTED, sent
        # A refusal ends the connection.
        assert all(status < 400 for status in reader.statuses[:-1]), sent
    assert b" 500 " not in sent
    whole = Peer([b"".join(parts)]).run()
    assert essence(sent) == essence(whole)


def essence(sent: bytes) -> bytes:
    """Leave out what may differ from one run to the next.

    Those are dates, interim answers, and of several faults the one that is
    seen first.
    """
    sent = sent.replace(CONTINUE, b"")
    sent = re.sub(rb"Date: [^\r]*\r\n", b"", sent)
    return re.sub(rb"HTTP/1.1 4[^\r]*\r\n|HTTP/1.1 50[^\r]*\r\n", b"refused", sent)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at places, as far as there are such."""
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(marks)]


PLACES = st.lists(st.integers(0, 400), max_size=4)
KNOWN = st.sampled_from([one.data for one in CORPUS if len(one.data) < 400])
PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b";", b",", b"\0", b"/"),
        *(b"GET ", b"POST ", b"HEAD ", b"OPTIONS * ", b"/ ", b"http://a/ ", b"/?a#b "),
        *(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", b"HTTP/2.0\r\n", b"Host: a\r\n"),
        *(b"Content-Length: 3\r\n", b"Content-Length: 40\r\n", b"Content-Length:"),
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding:",
            b"chunked",
            b"gzip",
        ),
        *(b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: x\r\n"),
        *(b"Expect: 100-continue\r\n", b"X: y\r\n", b"X_Y: z\r\n", b"Cookie: a\r\n"),
        *(b"0\r\n\r\n", b"3\r\nabc\r\n", b"28\r\n" + b"z" * 40 + b"\r\n", b"abc", b"5"),
        *(b"x" * 70, b"f" * 17, b"\xff", b"-", b"_", b"+", b"%"),
    ]
)


@fuzz
@given(st.lists(PIECES, max_size=25).map(b"".join), PLACES)
def test_pieces_of_requests(data: bytes, places: list[int]) -> None:
    check(cut(data, places))


@fuzz
@given(
    st.lists(KNOWN, min_size=1, max_size=3).map(b"".join),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 6), PIECES), max_size=4),
    PLACES,
)
def test_changed_requests(
    data: bytes, changes: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    for at, gone, piece in changes:
        at %= len(data) + 1  # noqa: PLW2901
        data = data[:at] + piece + data[at + gone :]
    check(cut(data, places))


@fuzz
@given(st.binary(max_size=200), PLACES)
@example(b"", [])
def test_noise(data: bytes, places: list[int]) -> None:
    check(cut(data, places))


@pytest.mark.parametrize("exchange", CORPUS, ids=str)
def test_the_peer_answers_like_a_server(exchange: Any) -> None:
    """What the tests above stand on."""
    if len(exchange.data) > 400:
        return
    answered = [one for one in exchange.answers if one.get("method") != "HEAD"]
    if len(answered) < len(exchange.answers):
        return
    statuses = Reader(Peer([exchange.data]).run()).statuses
    assert [status for status in statuses if status != 100] == [
        answer.get("status", 200) for answer in answered
    ]
