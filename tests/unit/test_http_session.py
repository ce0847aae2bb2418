# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client's session, on a pair of sockets, where things happen at bad moments."""

import logging
import socket
from collections.abc import Iterator
from threading import Lock
from typing import Any

import pytest

from oslo_service.http import environ
from oslo_service.http.access_log import AccessLog
from oslo_service.http.gateway import Gateway
from oslo_service.http.limits import Limits
from oslo_service.serving.leader_followers import ServingTask
from oslo_service.serving.sender import Sender
from oslo_service.serving.server_config import ServerConfig
from oslo_service.serving.session import Session

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
TASK: Any = ServingTask(None)  # type: ignore[arg-type]


def echo(environ: Any, start: Any) -> Any:
    """Return the body back."""
    start("200 OK", [])
    return [environ["wsgi.input"].read()]


class Poller:
    """Notes who wants to write."""

    def __init__(self) -> None:
        self.wanted: list[tuple[int, bool]] = []

    def want_write(self, fd: int, wanted: bool) -> None:
        """Record it."""
        self.wanted.append((fd, wanted))

    def drained(self, fd: int) -> None:
        """Know that already."""


class Engine:
    """Has room for everybody.

    :ivar forgotten: the sessions that are over.
    """

    stopping = False
    new_lock = staticmethod(Lock)

    def __init__(self) -> None:
        self.poller = Poller()
        self.forgotten: list[Any] = []

    def acquire_slot(self, _session: Any, _task: Any) -> bool:
        """Have a slot for everybody."""
        return True

    def release_slot(self, seconds: float) -> None:
        """Take it back."""

    def requeue(self, session: Any) -> None:
        """Have all the time in the world."""
        session.serve(TASK)

    def forget(self, _fd: int, session: Any) -> None:
        """Record it."""
        self.forgotten.append(session)


class Tampered:
    """A socket with which something happens while it is read.

    :param meanwhile: what happens, once, when data has been read.
    """

    def __init__(self, real: socket.socket, meanwhile: Any) -> None:
        self._real = real
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def recv(self, size: int) -> bytes:
        """Read; then let it happen."""
        data = self._real.recv(size)
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        meanwhile()
        return data


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's end and the client's."""
    server, client = socket.socketpair()
    server.setblocking(False)
    client.settimeout(10)
    with server, client:
        yield server, client


def session_on(server: Any, engine: Any, application: Any = echo) -> Session:
    """Make a session."""
    log = AccessLog(logging.getLogger("session"), "%(request_line)s")
    config = ServerConfig(
        gateway=Gateway(application, log, debug=False),
        limits=Limits(),
        context=None,
        environ=environ.of_server("a", "80", tls=False, multiprocess=False),
    )
    return Session(config, server, ("192.0.2.1", 1), engine)


def test_what_arrives_while_the_socket_is_read_is_not_overlooked(pair) -> None:
    # Another task, which waits for edges, takes note of the second part when
    # the first has been read, and before that is known.
    server, client = pair

    def second_part() -> None:
        client.send(b"abc")
        session.note_input(False)

    session = session_on(Tampered(server, second_part), Engine())
    client.send(POST)
    session.note_input(False)
    session.serve(TASK)
    assert client.recv(1000).endswith(b"\r\n\r\nabc")


def test_a_session_that_fails_is_over(pair, caplog) -> None:
    server, client = pair

    def fail() -> None:
        raise ZeroDivisionError

    engine = Engine()
    session = session_on(Tampered(server, fail), engine)
    client.send(POST)
    session.note_input(False)
    session.serve(TASK)
    assert engine.forgotten == [session]
    assert server.fileno() < 0
    assert "the connection ends after a failure" in caplog.text


class TestSender:
    """What waits to be sent."""

    @pytest.fixture
    def poller(self) -> Poller:
        return Poller()

    @staticmethod
    def fill(sender: Sender) -> bytes:
        """Send until something waits; return everything."""
        sent = b""
        while not sender.pending:
            sender.send(b"x" * 4096)
            sent += b"x" * 4096
        return sent

    def test_one_that_is_closed_meanwhile_is_not_sent_to(self, pair, poller) -> None:
        sender = Sender(pair[0], poller, None, Lock())
        self.fill(sender)
        sender.close(reset=False)
        poller.wanted.clear()
        assert sender.flush()
        assert poller.wanted == []

    def test_a_farewell_waits_like_everything_else(self, pair, poller) -> None:
        class Parting:
            """Has a last word."""

            def send(self, data: bytes) -> bytes:
                """Leave it as it is."""
                return data

            def close_notify(self) -> bytes:
                """Say it."""
                return b"alert"

        server, client = pair
        sender = Sender(server, poller, Parting(), Lock())  # type: ignore[arg-type]
        sent = self.fill(sender)
        sender.close_notify()
        received = b""
        while len(received) < len(sent) + len(b"alert"):
            received += client.recv(1 << 20)
            sender.flush()
        assert received == sent + b"alert"
