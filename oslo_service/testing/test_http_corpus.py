# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what wsgi.Server makes of raw requests, however they arrive."""

import socket
from collections.abc import Iterable
from typing import Any

import pytest

from oslo_service.testing.http_client import Client, Site, sites
from oslo_service.testing.http_corpus import CORPUS, Exchange

pytestmark = pytest.mark.starts_processes


@pytest.fixture(scope="module", name="sites")
def running_sites():
    """The programs that serve, by driver: one each is enough."""
    with sites() as site:
        yield site


@pytest.fixture
def site(sites, driver_name):
    """A program that answers with what its application was given."""
    return sites(driver_name, "reflecting")


def exchange_on(client: Client, exchange: Exchange, parts: Iterable[bytes]) -> None:
    """Send a request in parts, and the end; check what comes."""
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for part in parts:
            client.send(part)
        client.socket.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has been left already: what it was told is here
    exchange.check([answer_to(client, expected) for expected in exchange.answers])
    assert client.ended()


def answer_to(client: Client, expected: dict[str, Any]) -> dict[str, Any]:
    """Read an answer, and give it as the corpus writes it."""
    method = expected.get("method", "GET")
    answer = client.answer(method)
    while answer.status == 100:
        answer = client.answer(method)
    if answer.status != 200:
        return {"status": answer.status}
    # The answer to HEAD shows nothing.
    return expected if method == "HEAD" else dict(answer.data)


@pytest.mark.parametrize("exchange", CORPUS, ids=str)
class TestCorpus:
    """Every request of the corpus, on sockets."""

    def test_whole(self, site: Site, exchange: Exchange) -> None:
        with site.client() as client:
            exchange_on(client, exchange, [exchange.data])

    def test_byte_by_byte(self, site: Site, exchange: Exchange) -> None:
        with site.client() as client:
            exchange_on(client, exchange, exchange.single_bytes)

    def test_cut_at_every_place(self, site: Site, exchange: Exchange) -> None:
        for parts in exchange.cuts:
            with site.client() as client:
                exchange_on(client, exchange, parts)
