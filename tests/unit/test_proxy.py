# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A proxy between tests and a server does as it is told."""

import contextlib
import socket
import threading
import time

import pytest

from oslo_service.testing.proxy import Proxy

PATIENCE = 20.0


@pytest.fixture
def server():
    """A server that sends back what it receives."""

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=send_back, args=(client,), daemon=True).start()

    def send_back(client):
        with client, contextlib.suppress(OSError):
            while data := client.recv(100):
                client.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(server):
    with Proxy(server.getsockname()) as proxy:
        yield proxy


@pytest.fixture
def client(proxy):
    with socket.create_connection(proxy.address, PATIENCE) as client:
        yield client


def says(client, words):
    """Send words; return what comes back."""
    client.sendall(words)
    return client.recv(100)


def is_ended(client):
    """Whether there is nothing more to come."""
    try:
        return client.recv(100) == b""
    except ConnectionError:
        return True


def test_it_passes_on_what_both_say_and_counts_it(proxy, client):
    assert says(client, b"hello") == b"hello"
    assert (proxy.passed, proxy.pieces) == (10, 2)


def test_it_ends_when_a_client_does(client):
    assert says(client, b"hello") == b"hello"
    client.shutdown(socket.SHUT_WR)

    assert client.recv(100) == b""


def test_held_it_passes_nothing_on_until_it_is_open_again(proxy, client):
    proxy.hold()
    client.sendall(b"hello")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(100)

    proxy.open()

    client.settimeout(PATIENCE)
    assert client.recv(100) == b"hello"


def test_refusing_it_ends_connections_and_takes_none(proxy, client):
    assert says(client, b"hello") == b"hello"

    proxy.refuse()

    assert is_ended(client)
    with socket.create_connection(proxy.address, PATIENCE) as late:
        assert is_ended(late)


def test_open_again_it_takes_connections(proxy):
    proxy.refuse()

    proxy.open()

    with socket.create_connection(proxy.address, PATIENCE) as client:
        assert says(client, b"hello") == b"hello"


def test_slow_it_keeps_each_piece_for_a_while(proxy, client):
    proxy.delay = 0.1
    begun = time.monotonic()

    assert says(client, b"hello") == b"hello"
    assert time.monotonic() - begun >= 0.2


def test_without_a_server_it_ends_connections(proxy, server):
    server.shutdown(socket.SHUT_RDWR)

    with socket.create_connection(proxy.address, PATIENCE) as client:
        assert is_ended(client)
