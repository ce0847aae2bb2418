# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What requests are, and where they end, by a second parser: h11.

Two programs that understand the same bytes differently are how requests are
smuggled. Where ours refuses what the other takes, that is one of the reasons that the
documentation names, or one of the limits; what ours takes and the other refuses is
named here. A long run is::

    FUZZ_INPUTS=100000 python -m pytest tests/unit/test_http_second_parser.py
"""

import re
from typing import Any, NamedTuple

import pytest
from fuzzing import fuzz, takes_longer
from hypothesis import example, given
from hypothesis import strategies as st

from oslo_service.http.connection import Connection
from oslo_service.http.limits import Limits
from oslo_service.testing.http_corpus import CORPUS

h11 = pytest.importorskip("h11", reason="it is in test-requirements.txt")

pytestmark = takes_longer


class Seen(NamedTuple):
    """What a parser makes of bytes.

    :ivar requests: those that are complete: method, target, body.
    :ivar refused: why it goes no further; None: it waits for more, or is told that
        nothing follows.
    """

    requests: list[tuple[bytes, bytes, bytes]]
    refused: str | None


def seen_by_us(data: bytes) -> Seen:
    """Return what the server makes of it."""
    connection = Connection(Limits(timeout=None, buffered_body=1 << 20), 0.0)
    connection.receive(data, 0.0)
    requests = []
    while (request := connection.next_request()) is not None:
        body = request.body
        if body is not None and not body.complete:
            break
        content = b"" if body is None else body.take_all()
        line = (request.method.encode(), request.target.encode("latin-1"))
        requests.append((*line, content))
        connection.answered(0.0, last=connection.will_close())
    error = connection.error
    return Seen(requests, None if error is None else str(error))


def seen_by_h11(data: bytes) -> Seen:
    """Return what h11 makes of it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    requests: list[tuple[bytes, bytes, bytes]] = []
    try:
        while (one := next_of_h11(connection)) is not None:
            requests.append(one)
            # None that has it change over to another protocol.
            connection.send(h11.Response(status_code=400, headers=[]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is h11.MUST_CLOSE:
                return Seen(requests, "the connection ends")
            connection.start_next_cycle()
    except h11.RemoteProtocolError as exc:
        return Seen(requests, str(exc))
    return Seen(requests, None)


def next_of_h11(connection: Any) -> tuple[bytes, bytes, bytes] | None:
    """Return the next request that is complete."""
    line, body = (b"", b""), b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            line = (event.method, event.target)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return (*line, body)
        else:
            return None


# What only ours takes, and why: by what the other one says.
_TAKEN = re.compile(
    # More than one space, as may be (RFC 9112, 3).
    r"illegal request line"
    # An empty line before a request, as should be (RFC 9112, 2.2).
    r"|no request line received"
    # Extensions that are no tokens: nobody looks at them.
    r"|illegal chunk header"
    # HTTP/1.0 may ask to go on: h11 does not know that.
    r"|the connection ends"
)


def check(data: bytes) -> None:
    """Check that both see the same as far as both see something."""
    ours, theirs = seen_by_us(data), seen_by_h11(data)
    common = min(len(ours.requests), len(theirs.requests))
    assert ours.requests[:common] == theirs.requests[:common]
    if len(ours.requests) > common:
        assert theirs.refused is not None, "it waits for more of what ours has"
        assert _TAKEN.search(theirs.refused), theirs.refused
    elif len(theirs.requests) > common:
        assert ours.refused is not None or ours.requests, "ours waits for more"


KNOWN = st.sampled_from([one.data for one in CORPUS if len(one.data) < 400])
PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b";", b",", b"\0", b"/"),
        *(b"GET ", b"POST ", b"HEAD ", b"/ ", b"/?a ", b"0", b"5", b"abc", b"-", b"+"),
        *(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", b"Host: a\r\n", b"X: y\r\n", b"\xff"),
        *(b"Content-Length: 3\r\n", b"Content-Length: 40\r\n", b"Content-Length:"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:", b"chunked"),
        *(
            b"0\r\n\r\n",
            b"3\r\nabc\r\n",
            b"28\r\n" + b"z" * 40 + b"\r\n",
            b"1;a=b\r\nx",
        ),
    ]
)
HEADS = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n"
        ),
    ]
)


@fuzz
@given(
    st.lists(st.one_of(KNOWN, HEADS), min_size=1, max_size=3).map(b"".join),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 6), PIECES), max_size=3),
)
@example(b"", [])
def test_changed_requests(data: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    for at, gone, piece in changes:
        at %= len(data) + 1  # noqa: PLW2901
        data = data[:at] + piece + data[at + gone :]
    check(data)


@fuzz
@given(
    st.lists(st.one_of(PIECES, HEADS), max_size=20).map(b"".join),
)
def test_pieces_of_requests(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("exchange", CORPUS, ids=str)
def test_the_corpus(exchange) -> None:
    check(exchange.data)
