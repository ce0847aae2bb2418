# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The admin endpoint's server, turned by hand: clients, limits, and its time."""

import contextlib
import errno
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from oslo_service.admin import server as servers
from oslo_service.admin.addresses import Address, parse
from oslo_service.admin.deferred_replies import Awaited
from oslo_service.admin.interest_list import InterestList
from oslo_service.admin.messages import Answer, Ask, Later, Reply, Stream, as_json
from oslo_service.admin.metrics.scraping import Metrics
from oslo_service.admin.routes import Handler, Routes
from oslo_service.admin.server import CLIENTS, AdminServer, Listener
from oslo_service.admin.views import Views

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class Held(Later):
    """Is known when it is told so."""

    def __init__(self) -> None:
        self.known = self.forgotten = False

    def reply(self, now: float) -> Reply | None:
        return as_json({"held": False}) if self.known else None

    def forget(self) -> None:
        self.forgotten = True


class Flood(Stream):
    """Has always more."""

    kind = "text/plain"
    pending = True

    def take(self) -> bytes:
        return b"x" * 100_000


class Blind:
    """A supervisor that answers any question, and of which nothing can be told."""

    @property
    def exchange(self):
        return self

    def ask(self, _kind, _args, _seconds, done) -> None:
        done([])

    def services_in_workers(self) -> list[str]:
        return []

    @property
    def reporter(self):
        raise RuntimeError("nothing can be told")


def blind_views() -> dict[str, Handler]:
    """Return what answers each path, and fails at it."""
    views, metrics = Views(Blind()), Metrics(Blind())
    found = {one: getattr(views, one) for one in ("live", "ready", "health", "status")}
    return {**found, "metrics": metrics.show}


class Turned:
    """A server, whose wait is made by hand, at a time that is set by hand."""

    def __init__(self, place: Path) -> None:
        self.path = place / "socket"
        bound = Address.of_socket(str(self.path)).listen(socket)
        self.listener = Listener(bound, trusted=True)
        self.asked: list[str] = []
        self.held = Held()
        self.server = AdminServer(
            [self.listener], self.answer, lambda: None, InterestList(select)
        )
        self.now = 1000.0
        self.clients = contextlib.ExitStack()

    def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask.path)
        match ask.path:
            case "/held":
                return self.held
            case "/flood":
                return Flood()
            case "/big":
                return Reply(200, b"x" * 10_000_000)
            case "/failing":
                return Awaited(lambda take: take(1), self.fail)
            case "/broken":
                raise RuntimeError("broken")
        return as_json({"path": ask.path})

    @staticmethod
    def fail(_value: object) -> Reply:
        raise OSError("failing")

    def connect(self, data: bytes = b"") -> socket.socket:
        client = self.clients.enter_context(socket.socket(socket.AF_UNIX))
        client.settimeout(10)
        client.connect(str(self.path))
        client.sendall(data)
        return client

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            found = select.select(
                [*self.server.filenos()], [*self.server.filenos_to_write()], [], 0
            )
            self.server.collect(set(found[0]), set(found[1]), self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.turn(3)

    def waiting(self) -> set[int]:
        """Return which of its descriptors are waited for."""
        self.server.filenos()
        return set(self.server._interest._wanted)

    def clients_of(self):
        return self.listener.clients.values()

    @property
    def count(self) -> int:
        return len(self.listener.clients)


@pytest.fixture
def there(tmp_path) -> Iterator[Turned]:
    found = Turned(tmp_path)
    yield found
    found.clients.close()
    found.server.close()


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        while client.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


class TestTurns:
    """Little is done at a time, and everybody gets a turn."""

    def test_one_request_is_answered_a_turn_each_client_in_its_turn(
        self, there
    ) -> None:
        for name in (b"a", b"b"):
            there.connect(GET % name * 3)
        there.turn(2)
        for _ in range(6):
            before = len(there.asked)
            there.turn()
            assert len(there.asked) - before <= 1
        there.turn(3)
        assert there.asked[:4] in (["/a", "/b"] * 2, ["/b", "/a"] * 2)
        assert len(there.asked) == 6

    def test_there_is_nothing_to_do_while_nobody_asks(self, there) -> None:
        assert there.server.deadline is None
        there.turn()
        assert there.server.deadline is None
        assert there.waiting() == {there.listener.fd}

    def test_what_is_known_later_is_answered_then(self, there) -> None:
        client = there.connect(GET % b"held")
        there.turn(4)
        assert there.asked == ["/held"]
        there.pass_time(3600)
        assert not is_closed(client)
        there.held.known = True
        there.turn(2)
        assert b'{"held":false}' in client.recv(4096)

    @pytest.mark.parametrize("known", [True, False])
    def test_who_waits_at_the_end_is_answered(self, there, known) -> None:
        client = there.connect(GET % b"held")
        there.turn(3)
        there.held.known = known
        there.server.close()
        said = client.recv(4096)
        if known:
            assert b'{"held":false}' in said
        else:
            assert b" 503 " in said
            assert b"has ended before that was known" in said
        assert is_closed(client)

    def test_whoever_goes_before_is_forgotten(self, there) -> None:
        first = there.connect(GET % b"held")
        there.turn(3)
        for _ in range(CLIENTS):
            there.connect(GET % b"held")
            there.turn(3)
        assert is_closed(first)
        assert there.held.forgotten

    def test_a_failure_is_one_clients_alone(self, there, caplog) -> None:
        broken, good = there.connect(GET % b"broken"), there.connect(GET % b"good")
        there.turn(5)
        assert is_closed(broken)
        assert b"/good" in good.recv(4096)
        assert "could not be served" in caplog.text

    def test_an_answer_that_cannot_be_made_is_an_error(self, there, caplog) -> None:
        client = there.connect(2 * (GET % b"failing") + GET % b"good")
        there.turn(10)
        said = client.recv(1 << 16)
        assert said.count(b" 500 Internal Server Error") == 2
        assert said.count(b"the log of the process says why") == 2
        assert b"/good" in said
        assert "failing" in caplog.text

    @pytest.mark.parametrize("path", ["live", "ready", "health", "status", "metrics"])
    def test_every_view_that_fails_answers_so(self, there, caplog, path) -> None:
        routes = Routes()
        for name, view in blind_views().items():
            routes.get(f"/{name}", view)
        there.server._answer = routes.answer
        client = there.connect(GET % path.encode())
        there.turn(5)
        assert b" 500 Internal Server Error" in client.recv(1 << 16)
        assert "nothing can be told" in caplog.text


class TestLimits:
    """Clients that are silent, slow, deaf, or too many."""

    def test_a_silent_one_goes_after_10_seconds(self, there) -> None:
        client = there.connect()
        there.turn(2)
        assert there.server.deadline == there.now + 10
        there.pass_time(9.9)
        assert not is_closed(client)
        there.pass_time(0.2)
        assert is_closed(client)
        assert there.count == 0

    def test_a_byte_now_and_then_helps_nobody(self, there) -> None:
        client = there.connect(b"G")
        for byte in b"ET /abcdefg":
            there.pass_time(1)
            with contextlib.suppress(OSError):
                client.send(bytes((byte,)))
        there.pass_time(1)
        assert b" 408 " in client.recv(4096)

    def test_one_that_does_not_read_goes_after_30_seconds(self, there) -> None:
        there.connect(GET % b"big")
        there.turn(4)
        assert there.count == 1
        for _ in range(29):
            there.pass_time(1)
        assert there.count == 1
        there.pass_time(2)
        assert there.count == 0

    def test_one_that_does_not_read_a_stream_goes(self, there) -> None:
        there.connect(GET % b"flood")
        there.turn(40)
        (client,) = there.listener.clients.values()
        assert len(client._out) < 200_000
        assert there.count == 1
        there.pass_time(31)
        assert there.count == 0

    def test_the_newest_is_let_in_and_the_idlest_goes(self, there) -> None:
        busy = there.connect(GET % b"held")
        idle = there.connect()
        there.pass_time(1)
        for _ in range(CLIENTS - 2):
            there.connect()
        there.pass_time(1)
        there.turn(CLIENTS)
        assert there.count == CLIENTS
        newest = there.connect(GET % b"new")
        there.turn(4)
        assert b"/new" in newest.recv(4096)
        assert is_closed(idle)
        assert not is_closed(busy)
        assert there.count == CLIENTS

    def test_one_that_asks_is_answered_though_crowds_come_all_the_time(
        self, there
    ) -> None:
        greedy = [there.connect(300 * (GET % b"good")) for _ in range(CLIENTS // 2)]
        there.turn(CLIENTS)
        for _ in range(5):
            one = there.connect(GET % b"new")
            crowd = [there.connect() for _ in range(2 * CLIENTS)]
            crowd += [there.connect(b"GET /ne") for _ in range(CLIENTS)]
            there.pass_time(0.1)
            there.turn(2 * CLIENTS)
            assert b"/new" in one.recv(4096)
            assert there.count == CLIENTS
            for client in crowd:
                client.close()
        assert greedy

    def test_what_there_is_no_room_for_is_waited_for(
        self, there, monkeypatch, caplog
    ) -> None:
        def refuse(now: float, hear: object) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        there.connect()
        with monkeypatch.context() as full:
            full.setattr(there.listener, "accept", refuse)
            there.turn(5)
        assert caplog.text.count("accepts no client for a second") == 1
        assert there.waiting() == {client.fd for client in there.clients_of()}
        assert there.server.deadline == there.now + servers._PAUSE
        there.pass_time(1)
        assert there.count == 1

    def test_whoever_ends_its_side_is_answered(self, there) -> None:
        client = there.connect(GET % b"good")
        client.shutdown(socket.SHUT_WR)
        there.turn(5)
        assert b"/good" in client.recv(4096)
        assert is_closed(client)
        assert there.count == 0


class TestEnd:
    """Who has the socket."""

    @pytest.mark.parametrize("step", ["update", "found"])
    def test_a_failure_of_the_whole_closes_it_and_nothing_else(
        self, there, step, monkeypatch, caplog
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no room")

        client = there.connect()
        there.turn(2)
        monkeypatch.setattr(there.server._interest, step, fail)
        there.server.filenos()
        there.server.collect({there.listener.fd}, set(), there.now)
        assert "has failed, and is closed" in caplog.text
        assert is_closed(client)
        assert not there.path.exists()
        assert there.server.deadline is None

    def test_a_fork_closes_what_it_has_and_leaves_the_file(self, there) -> None:
        client = there.connect()
        there.turn(2)
        there.server.leave()
        assert there.path.exists()
        assert is_closed(client)
        assert [*there.server.filenos()] == []
        there.turn()

    def test_the_end_removes_the_file(self, there) -> None:
        client = there.connect()
        there.turn(2)
        there.server.close()
        there.server.close()
        assert not there.path.exists()
        assert is_closed(client)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("127.0.0.1:9001", Address(None, "127.0.0.1", 9001)),
        ("[::1]:9001", Address(None, "::1", 9001)),
        (":9001", Address(None, "", 9001)),
        ("/run/s.sock", Address("/run/s.sock")),
        ("unix:/run/s.sock", Address("/run/s.sock")),
    ],
)
def test_an_address_is_a_host_and_a_port_or_a_path(text, wanted) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["9001", "localhost", "host:", "host:x", "unix:", "h:70000", "h:" + "9" * 20],
)
def test_anything_else_is_none(text) -> None:
    with pytest.raises(ValueError, match=r"is neither|has no path|last port"):
        parse(text)
