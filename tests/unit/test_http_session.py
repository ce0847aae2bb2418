# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One client's session, on a pair of sockets, where things happen at bad moments."""

import contextvars
import functools
import logging
import socket
import ssl
from collections.abc import Iterator
from threading import Lock
from typing import Any

import pytest

from oslo_service._common import clock
from oslo_service.http import environ
from oslo_service.http.access_log import AccessLog
from oslo_service.http.gateway import Gateway
from oslo_service.http.limits import Limits
from oslo_service.http.protocol_error import ProtocolError
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

    rearms = False

    def __init__(self) -> None:
        self.wanted: list[tuple[int, bool]] = []

    def want_write(self, fd: int, wanted: bool) -> None:
        """Record it."""
        self.wanted.append((fd, wanted))


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

    def release_slot(self, session: Any, seconds: float, task: Any) -> None:
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
        unspecific=False,
        context_variables=contextvars.copy_context(),
        gateway=Gateway(application, log, debug=False),
        limits=Limits(),
        encrypt=None,
        environ=environ.of_server("a", "80", tls=False, multiprocess=False),
    )
    return Session(config, server, ("192.0.2.1", 1), engine)


def test_what_arrives_while_the_socket_is_read_is_not_overlooked(pair) -> None:
    # Another task, which waits for edges, takes note of the second part when
    # the first has been read, and before that is known.
    server, client = pair

    def second_part() -> None:
        client.send(b"abc")
        session.input.ready = True

    session = session_on(Tampered(server, second_part), Engine())
    client.send(POST)
    session.input.ready = True
    session.serve(TASK)
    assert client.recv(1000).endswith(b"\r\n\r\nabc")


def test_a_session_that_fails_is_over(pair, caplog) -> None:
    server, client = pair

    def fail() -> None:
        raise ZeroDivisionError

    engine = Engine()
    session = session_on(Tampered(server, fail), engine)
    client.send(POST)
    session.input.ready = True
    session.serve(TASK)
    assert engine.forgotten == [session]
    assert server.fileno() < 0
    assert "the connection ends after a failure" in caplog.text


class TestPhases:
    """From the arrival of a client to its end, with a clock that is turned by hand."""

    @pytest.fixture(autouse=True)
    def hands(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The time, as a list of one."""
        hands = [1000.0]
        monkeypatch.setattr(clock, "now", lambda: hands[0])
        return hands

    @pytest.fixture(autouse=True)
    def closed(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        """Whether sockets were reset, when they were closed."""
        closed: list[bool] = []
        close = Sender.close

        def note(sender: Sender, *, reset: bool) -> None:
            closed.append(reset)
            close(sender, reset=reset)

        monkeypatch.setattr(Sender, "close", note)
        return closed

    @pytest.fixture
    def engine(self) -> Engine:
        return Engine()

    @pytest.fixture
    def session(self, pair: Any, engine: Engine) -> Session:
        return session_on(pair[0], engine)

    @staticmethod
    def arrives(session: Session, client: socket.socket, data: bytes = b"") -> None:
        """Have data arrive; without any, the end."""
        if data:
            client.send(data)
        else:
            client.shutdown(socket.SHUT_WR)
        session.input.ready, session.input.hung_up = True, not data
        session.serve(TASK)

    @staticmethod
    def expire(session: Session) -> None:
        session.expire()
        session.serve(TASK)

    def test_requests_that_come_together_are_all_answered(self, session, pair) -> None:
        self.arrives(session, pair[1], (POST + b"abc") + (POST + b"xyz"))
        answers = pair[1].recv(1000)
        assert answers.count(b"200 OK") == 2
        assert answers.endswith(b"\r\n\r\nxyz")
        assert session.deadline is not None

    def test_a_client_that_goes_is_forgotten_once(
        self, session, pair, engine, closed
    ) -> None:
        self.arrives(session, pair[1])
        session.serve(TASK)
        assert engine.forgotten == [session]
        assert session.deadline is None
        assert closed == [False]
        assert pair[1].recv(10) == b""

    @pytest.mark.parametrize(
        ("failure", "reset"),
        [
            (ConnectionResetError(104, "gone"), True),
            (ssl.SSLError(1, "no common version"), False),
            (ZeroDivisionError("a fault of ours"), True),
        ],
    )
    def test_one_that_fails_is_reset_but_for_an_alert_that_is_on_its_way(
        self, pair, engine, closed, caplog, failure, reset
    ) -> None:
        def fail() -> None:
            raise failure

        session = session_on(Tampered(pair[0], fail), engine)
        self.arrives(session, pair[1], POST)
        assert engine.forgotten == [session]
        assert closed == [reset]
        ours = not isinstance(failure, OSError)
        assert bool(caplog.text) is ours, "the others happen all the time"

    def test_a_deadline_that_was_extended_meanwhile_ends_nothing(
        self, session, pair, engine, hands
    ) -> None:
        self.arrives(session, pair[1], POST + b"abc")
        hands[0] = session.deadline - 0.1
        self.expire(session)
        assert engine.forgotten == []
        hands[0] += 0.1
        session.serve(TASK)
        assert engine.forgotten == [], "nobody has said that it may be over"
        self.expire(session)
        assert engine.forgotten == [session]

    def test_half_a_request_is_answered_when_its_time_is_over(
        self, session, pair, engine, hands, closed
    ) -> None:
        self.arrives(session, pair[1], POST[:10])
        hands[0] = session.deadline
        self.expire(session)
        assert pair[1].recv(1000).startswith(b"HTTP/1.1 408 ")
        assert pair[1].recv(10) == b"", "nothing follows"
        assert engine.forgotten == [], "it lingers for what is on its way"
        assert session.deadline_moved
        hands[0] = session.deadline
        self.expire(session)
        assert engine.forgotten == [session]
        assert closed == [False]

    def test_a_client_that_does_not_read_is_reset_when_its_time_is_over(
        self, session, pair, engine, hands, closed
    ) -> None:
        TestSender.fill(session._sender)
        hands[0] = session.deadline
        self.expire(session)
        assert engine.forgotten == [session]
        assert closed == [True]

    def test_one_that_reads_slowly_has_its_time_again(
        self, session, pair, hands
    ) -> None:
        TestSender.fill(session._sender)
        before = session.deadline
        hands[0] += 100
        session.serve(TASK)
        assert session.deadline == before, "it has not read anything"
        pair[1].recv(1 << 20)
        session.serve(TASK)
        assert session.deadline == before + 100

    def test_nothing_is_read_while_something_waits_to_be_sent(
        self, session, pair
    ) -> None:
        sent = TestSender.fill(session._sender)
        self.arrives(session, pair[1], POST + b"abc")
        received = b""
        while len(received) < len(sent):
            received += pair[1].recv(1 << 20)
            session.send_pending()
        assert received == sent
        session.serve(TASK)
        assert pair[1].recv(1000).endswith(b"abc")

    def test_it_goes_on_as_soon_as_all_is_sent(self, session, pair) -> None:
        TestSender.fill(session._sender)
        self.arrives(session, pair[1], POST + b"abc")
        pair[1].setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                pair[1].recv(1 << 20)
        session.serve(TASK)
        received = b""
        with pytest.raises(BlockingIOError):
            while True:
                received += pair[1].recv(1 << 20)
        assert received.endswith(b"abc")

    def test_nonsense_is_refused_and_what_follows_is_not_read_as_a_request(
        self, session, pair, engine, caplog
    ) -> None:
        caplog.set_level(logging.INFO)
        self.arrives(session, pair[1], b"NONSENSE\r\n\r\n")
        assert pair[1].recv(1000).startswith(b"HTTP/1.1 400 ")
        assert pair[1].recv(10) == b""
        assert caplog.text.count("protocol error") == 1
        assert engine.forgotten == []
        self.arrives(session, pair[1], POST + b"abc")
        assert engine.forgotten == []
        self.arrives(session, pair[1])
        assert engine.forgotten == [session]

    def test_a_refusal_that_waits_to_be_sent_shuts_down_after_it(
        self, session, pair, engine, hands
    ) -> None:
        sent = TestSender.fill(session._sender)
        limit = session.deadline
        session._connection._reject(ProtocolError(400, "nonsense"))
        session._send_protocol_error(session._connection.error)
        received = b""
        while len(received) < len(sent):
            received += pair[1].recv(1 << 20)
            if session._sender.pending:
                hands[0] += 5
            session.serve(TASK)
        while part := pair[1].recv(1000):
            received += part
        assert received[len(sent) :].startswith(b"HTTP/1.1 400 ")
        assert engine.forgotten == []
        assert session.deadline == hands[0] + Limits().linger_idle < limit

    def test_tls_says_that_nothing_follows_before_the_socket_does(
        self, session, pair, monkeypatch
    ) -> None:
        said = []
        for name in ("close_notify", "shut_down"):
            note = functools.partial(said.append, name)
            monkeypatch.setattr(Sender, name, lambda _self, note=note: note())
        self.arrives(session, pair[1], b"NONSENSE\r\n\r\n")
        assert said == ["close_notify", "shut_down"]

    def test_a_last_request_with_more_behind_it_lingers(
        self, session, pair, engine
    ) -> None:
        last = POST.replace(b"Host", b"Connection: close\r\nHost")
        self.arrives(session, pair[1], last + b"abc" + POST)
        assert pair[1].recv(1000).endswith(b"abc")
        assert pair[1].recv(10) == b""
        assert engine.forgotten == []
        self.arrives(session, pair[1])
        assert engine.forgotten == [session]

    def test_a_request_waits_for_a_slot_and_is_answered_once(
        self, session, pair, engine, monkeypatch
    ) -> None:
        slots = [False, False, True]
        monkeypatch.setattr(engine, "acquire_slot", lambda *_args: slots.pop(0))
        self.arrives(session, pair[1], POST + b"abc")
        session.serve(TASK)
        assert len(slots) == 1
        session.serve(TASK)
        assert pair[1].recv(1000).count(b"200 OK") == 1
        session.serve(TASK)
        assert slots == []

    def test_an_idle_one_ends_soon_when_the_server_stops(
        self, session, pair, engine, hands
    ) -> None:
        self.arrives(session, pair[1], POST + b"abc")
        assert not session.deadline_moved
        engine.stopping = True
        session.serve(TASK)
        assert session.deadline_moved
        assert session.deadline == hands[0] + Limits().linger


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
