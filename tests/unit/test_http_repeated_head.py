# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A head that comes again is taken as the parser would take it."""

from typing import Any
from unittest import mock

import pytest
from fuzzing import fuzz, takes_longer
from hypothesis import example, given
from hypothesis import strategies as st

from oslo_service.http.connection import Connection
from oslo_service.http.limits import Limits
from oslo_service.http.parser import Parser

LIMITS = Limits(url=40, header_line=60, headers=4)
HEAD = b"%b HTTP/1.1\r\nHost: a\r\nX-B: c\r\n\r\n"
FIRST = HEAD % b"GET /first"


def outcome(connection: Connection, data: bytes) -> tuple[list[Any], int | None]:
    """Return what is made of some data."""
    del connection.requests[:]
    connection.receive(data, 0.0)
    error = connection.error
    return [told(one) for one in connection.requests], error and error.status


def told(request: Any) -> list[Any]:
    """Return what there is to know about a request."""
    names = ("method", "target", "path", "query", "version", "fields", "keep_alive")
    return [request.expects_100, *(getattr(request, name) for name in names)]


def after(*data: bytes) -> Connection:
    """Return a connection on which that has come."""
    connection = Connection(LIMITS, 0.0)
    for part in data:
        connection.receive(part, 0.0)
    return connection


def parsed_at_once(connection: Connection, data: bytes) -> bool:
    """Whether the parser need not look at the data."""
    with mock.patch.object(Parser, "feed") as feed:
        connection.receive(data, 0.0)
    return not feed.called


@pytest.mark.parametrize(
    "target", [b"/", b"/first", b"/a?b=c?d", b"//a", b"/%20", b"/a://b", b"/?"]
)
def test_another_target_makes_another_request(target) -> None:
    data = HEAD % (b"GET " + target)
    assert outcome(after(FIRST), data) == outcome(after(), data)
    assert parsed_at_once(after(FIRST, data), FIRST)


@pytest.mark.parametrize(
    "data",
    [
        HEAD % b"GET /a#b",
        HEAD % b"GET http://b/",
        HEAD % b"GET *",
        HEAD % b"GET ",
        HEAD % b"GET / ",
        HEAD % b"GET /a b",
        HEAD % b"GET /\xe9",
        HEAD % b"GET /\t",
        HEAD % b"GET /\x7f",
        HEAD % b"GET /\0",
        HEAD % b"GET / HTTP/1.1\r\nA: b\r\n\r\nGET /",
        HEAD % b"HEAD /",
        HEAD % b"NONE /",
        HEAD % (b"GET /" + b"a" * 40),
        FIRST[:-1],
        FIRST[:30],
        FIRST[10:],
        FIRST + FIRST,
        FIRST + b"\r\n",
        b"\r\n" + FIRST,
        FIRST.replace(b"1.1", b"1.0"),
        FIRST.replace(b"X-B: c", b"X-B: d"),
        b"",
    ],
)
def test_what_is_more_than_another_target_is_parsed(data) -> None:
    assert not parsed_at_once(after(FIRST), data)
    assert outcome(after(FIRST), data) == outcome(after(), data)


@pytest.mark.parametrize(
    "first",
    [
        (FIRST + FIRST,),
        (FIRST + b"\r\n",),
        (b"\r\n" + FIRST,),
        (FIRST[:9], FIRST[9:]),
        (FIRST + FIRST[:9], FIRST[9:]),
        (FIRST.replace(b"1.1", b"1.0"),),
        (HEAD % b"GET http://b/",),
        (HEAD % b"OPTIONS *",),
        (FIRST.replace(b"X-B: c", b"Content-Length: 1") + b"a",),
        (FIRST.replace(b"X-B: c", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",),
    ],
)
def test_only_a_head_that_came_by_itself_is_known(first) -> None:
    assert after(*first)._parser.repeated is None


def test_where_heads_differ_again_and_again_none_is_kept() -> None:
    different = [FIRST.replace(b"X-B: c", b"X-B: %d" % number) for number in range(9)]
    connection = after(*different)
    assert connection._parser.repeated is None
    assert outcome(connection, FIRST) == outcome(after(), FIRST)


def test_one_that_was_repeated_lets_others_be_kept() -> None:
    connection = after(FIRST)
    for number in range(9):
        data = FIRST.replace(b"X-B: c", b"X-B: %d" % number)
        connection.receive(data, 0.0)
        connection.receive(data, 0.0)
        connection.requests[-1].common["answered"] = True
    assert connection._parser.repeated is not None


def test_nothing_follows_the_last_request() -> None:
    last = FIRST.replace(b"X-B: c", b"Connection: close")
    assert outcome(after(last), last) == ([], None)


def test_a_wish_to_change_over_is_ignored_each_time() -> None:
    data = FIRST.replace(b"X-B: c", b"Connection: upgrade\r\nUpgrade: h2c")
    expected = outcome(after(), data)
    connection = after(data)
    assert [outcome(connection, data) for _ in range(2)] == [expected] * 2
    assert outcome(connection, FIRST) == outcome(after(), FIRST)


def test_a_host_in_a_target_is_not_taken_for_that_of_the_next_request() -> None:
    connection = after(HEAD % b"GET http://b/")
    assert connection.requests[0].fields["HTTP_HOST"] == "b"
    assert outcome(connection, FIRST) == outcome(after(), FIRST)


def mutations() -> st.SearchStrategy[bytes]:
    """Return what is like the first request."""
    place = st.integers(0, len(FIRST))
    inserted = st.binary(max_size=4) | st.sampled_from([b"\r\n", b"#", b"?", b" /"])
    return st.builds(
        lambda begin, more, end: FIRST[:begin] + more + FIRST[end:],
        place,
        inserted,
        place,
    )


@takes_longer
@fuzz
@given(st.lists(mutations(), min_size=1, max_size=3))
@example([FIRST, FIRST])
def test_any_bytes_after_a_request_are_taken_as_the_parser_takes_them(parts) -> None:
    connection, other = after(FIRST), after(FIRST)
    for data in parts:
        other._parser.repeated = None
        expected = outcome(other, data)
        assert outcome(connection, data) == expected
        if expected[1] is not None:
            break  # nothing is read any more
