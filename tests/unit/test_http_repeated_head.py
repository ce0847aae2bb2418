# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A head that comes again is taken as the parser would take it."""

from typing import Any
from unittest import mock

import pytest
from fuzzing import fuzz, takes_longer
from hypothesis import example, given
from hypothesis import strategies as st

from oslo_service.http.limits import Limits
from oslo_service.http.parser import Parser
from oslo_service.http.protocol_error import ProtocolError

LIMITS = Limits(url=40, header_line=60, headers=4)
HEAD = b"%b HTTP/1.1\r\nHost: a\r\nX-B: c\r\n\r\n"
FIRST = HEAD % b"GET /first"


def outcome(parser: Parser, data: bytes) -> tuple[list[Any], int | None]:
    """Return what a parser makes of some data."""
    status = None
    del parser.requests[:]
    try:
        parser.feed(data)
    except ProtocolError as error:
        status = error.status
    return [told(one) for one in parser.requests], status


def told(request: Any) -> list[Any]:
    """Return what there is to know about a request."""
    names = ("method", "target", "path", "query", "version", "fields", "keep_alive")
    return [request.expects_100, *(getattr(request, name) for name in names)]


def after(*data: bytes) -> Parser:
    """Return a parser to which that has come."""
    parser = Parser(LIMITS)
    for part in data:
        parser.feed(part)
    return parser


def parsed_at_once(parser: Parser, data: bytes) -> bool:
    """Whether a parser need not look at the data."""
    with mock.patch.object(Parser, "_feed", return_value=b"") as feed:
        parser.feed(data)
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
        (FIRST.replace(b"X-B: c", b"Content-Length: 1") + b"a",),
        (FIRST.replace(b"X-B: c", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",),
    ],
)
def test_only_a_head_that_came_by_itself_is_known(first) -> None:
    assert after(*first)._repeated is None


def test_nothing_follows_the_last_request() -> None:
    last = FIRST.replace(b"X-B: c", b"Connection: close")
    assert outcome(after(last), last) == ([], None)


def test_a_wish_to_change_over_is_ignored_each_time() -> None:
    data = FIRST.replace(b"X-B: c", b"Connection: upgrade\r\nUpgrade: h2c")
    expected = outcome(after(), data)
    parser = after(data)
    assert [outcome(parser, data) for _ in range(2)] == [expected] * 2
    assert outcome(parser, FIRST) == outcome(after(), FIRST)


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
    parser, other = after(FIRST), after(FIRST)
    for data in parts:
        other._repeated = None
        expected = outcome(other, data)
        assert outcome(parser, data) == expected
        if expected[1] is not None:
            break  # nothing is read any more
