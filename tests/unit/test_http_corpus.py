# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The corpus of raw requests against the state of a connection."""

from collections.abc import Iterable
from typing import Any

import pytest

from oslo_service.http import environ
from oslo_service.http.connection import Connection
from oslo_service.http.limits import Limits
from oslo_service.testing.http_corpus import CORPUS, Exchange, seen_by_application

SERVER = environ.of_server("a", "80", tls=False, multiprocess=False)
CLIENT = ("192.0.2.1", "1234")


class NoMore:
    """Where the rest of a body would come from."""

    def own_host(self) -> None:
        """Be called what the server listens on."""

    def await_body(self, request: Any, body: Any) -> None:
        """Not ask for it: what is not here will not come."""
        raise AssertionError(request, body)


def replay(parts: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return what becomes of bytes that arrive in these parts, and then end."""
    connection = Connection(Limits(), 0.0)
    answers: list[dict[str, Any]] = []

    def answer() -> None:
        while (request := connection.next_request()) is not None:
            seen = environ.of_request(SERVER, CLIENT, request, NoMore())
            answers.append(seen_by_application(seen, seen["wsgi.input"].read()))
            connection.answered(0.0, last=connection.will_close())

    for part in parts:
        connection.receive(part, 0.0)
        answer()
    connection.receive_eof()
    answer()
    if connection.error is not None:
        answers.append({"status": connection.error.status})
    return answers


@pytest.mark.parametrize("exchange", CORPUS, ids=str)
class TestCorpus:
    """What a request becomes does not depend on how it arrives."""

    def test_whole(self, exchange: Exchange) -> None:
        exchange.check(replay([exchange.data]))

    def test_byte_by_byte(self, exchange: Exchange) -> None:
        exchange.check(replay(exchange.single_bytes))

    def test_cut_at_every_place(self, exchange: Exchange) -> None:
        for parts in exchange.cuts:
            exchange.check(replay(parts))


def test_every_request_has_its_source_and_every_file_its_answer() -> None:
    for exchange in CORPUS:
        assert exchange.source
        assert exchange.about
    assert len(CORPUS) == len({exchange.data for exchange in CORPUS})
