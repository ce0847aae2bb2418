# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What goes to one client that takes as much as the test lets it."""

import errno
import os
import socket as sockets
import struct
import tempfile
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from oslo_service.http.gateway import ClientGone
from oslo_service.serving.sender import Sender

FD = 7


class Client:
    """A socket, and the poller that watches it."""

    def __init__(self) -> None:
        self.taken = b""
        self.room = 100
        self.gone = False
        self.closed = False
        self.options: list[Any] = []
        #: What the poller was told: whether to say when there is room.
        self.wanted: list[bool] = []

    def sendmsg(self, parts: Iterable[Any]) -> int:
        if self.gone:
            raise OSError(errno.EPIPE, "Broken pipe")
        if not self.room:
            raise BlockingIOError
        data = b"".join(parts)[: self.room]
        self.taken += data
        self.room -= len(data)
        return len(data)

    def send(self, data: Any) -> int:
        return self.sendmsg((data,))

    def fileno(self) -> int:
        return FD

    def getsockname(self) -> tuple[str, int]:
        if self.gone:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return "::ffff:10.0.0.1", 80

    def setsockopt(self, *what: Any) -> None:
        if self.gone:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.options.append(what)

    def close(self) -> None:
        self.closed = True

    def want_write(self, fd: int, wanted: bool) -> None:
        assert fd == FD
        self.wanted.append(wanted)


class TLS:
    """Encrypts legibly."""

    alert = b"[bye]"

    def send(self, data: bytes) -> bytes:
        return b"<%b>" % data

    def close_notify(self) -> bytes:
        return self.alert


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def sender(client: Client) -> Sender:
    return made(client)


def made(client: Any, tls: Any = None) -> Sender:
    return Sender(client, client, tls, threading.Lock())


def test_what_the_client_takes_is_sent_at_once(client, sender) -> None:
    sender.send(b"a")
    sender.send_parts(b"b", b"", b"c")
    sender.send(b"")
    assert client.taken == b"abc"
    assert sender.pending == 0
    assert client.wanted == [], "nothing is waited for"
    assert sender.flush()
    assert client.wanted == []
    client.room = 0
    sender.send(b"")
    sender.send(b"d")
    assert sender.pending == 1


def test_what_it_does_not_take_is_kept_in_order(client, sender) -> None:
    client.room = 3
    sender.send_parts(b"ab", b"cd", b"ef")
    assert (client.taken, sender.pending) == (b"abc", 3)
    assert client.wanted == [True]
    client.room = 1
    sender.send(b"g")
    sender.send_parts(b"h", b"")
    assert (client.taken, sender.pending) == (b"abc", 5), "it does not overtake"
    assert client.wanted == [True]
    assert not sender.flush()
    assert (client.taken, sender.pending) == (b"abcd", 4)
    assert client.wanted == [True, True], "edges are told: it is asked for again"
    client.room = 100
    assert sender.flush()
    assert (client.taken, sender.pending) == (b"abcdefgh", 0)
    assert client.wanted == [True, True, False]
    sender.send(b"i")
    assert client.taken == b"abcdefghi"
    client.room = 0
    sender.send(b"j")
    assert client.wanted == [True, True, False, True]


def test_who_is_gone_is_sent_nothing_and_the_first_reason_is_told(
    client, sender
) -> None:
    sender.check()
    assert str(sender.mark_gone("it hung up")) == "it hung up"
    assert str(sender.mark_gone("it is late")) == "it hung up"
    with pytest.raises(ClientGone, match="it hung up"):
        sender.send(b"a")
    with pytest.raises(ClientGone, match="it hung up"):
        sender.send_parts(b"a", b"b")
    with pytest.raises(ClientGone, match="it hung up"):
        sender.check()
    assert not sender.send_last(b"a", "an end", lambda: True)
    assert client.taken == b""


@pytest.mark.parametrize("waits", [False, True])
def test_who_turns_out_to_be_gone_is_known_to_be(
    client: Client, sender: Sender, waits: bool
) -> None:
    client.room = 0
    if waits:
        sender.send(b"a")
    client.gone = True
    with pytest.raises(ClientGone, match=r"the client is gone: .*Broken pipe"):
        sender.flush() if waits else sender.send(b"a")
    assert sender.gone == "the client is gone: [Errno 32] Broken pipe"


def test_after_the_last_nothing_follows(client, sender) -> None:
    assert not sender.send_last(b"x", "too late", lambda: False)
    sender.send(b"a")
    client.room = 1
    assert sender.send_last(b"bc", "it was refused", lambda: True)
    assert not sender.send_last(b"de", "it was refused twice", lambda: True)
    with pytest.raises(ClientGone, match=r"it was refused$"):
        sender.send(b"f")
    client.room = 100
    assert sender.flush()
    assert client.taken == b"abc"


def test_all_goes_through_tls_but_what_is_its_own(client) -> None:
    sender = made(client, TLS())
    assert sender.encrypted
    sender.send(b"a")
    sender.send_parts(b"a", b"b")
    sender.send_raw(b"[hello]")
    sender.close_notify()
    sender.send_last(b"c", "an end", lambda: True)
    assert client.taken == b"<a><ab>[hello][bye]<c>"


def test_a_farewell_may_be_empty_or_none(client, sender) -> None:
    silent = TLS()
    silent.alert = b""
    made(client, silent).close_notify()
    sender.close_notify()
    assert client.taken == b""
    assert not sender.encrypted


def test_the_address_that_the_client_knows(client, sender) -> None:
    assert sender.own_host() == "10.0.0.1"
    client.gone = True
    assert sender.own_host() is None


@pytest.mark.parametrize("reset", [False, True])
def test_at_the_end_what_waits_is_dropped(client, sender, reset) -> None:
    client.room = 0
    sender.send(b"a")
    sender.close(reset=reset)
    assert client.closed
    linger = (sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    assert client.options == ([linger] if reset else [])
    assert (sender.pending, sender.gone) == (0, "the connection is closed")
    client.room = 100
    assert sender.flush()
    assert client.taken == b""
    assert client.wanted == [True], "the poller may know it no more"


def test_one_that_is_gone_is_closed_all_the_same(client, sender) -> None:
    sender.mark_gone("it hung up")
    client.gone = True
    sender.close(reset=True)
    assert client.closed
    assert sender.gone == "it hung up"


class TestFiles:
    """The system sends them."""

    def test_as_much_as_there_is_room_for(self) -> None:
        here, there = sockets.socketpair()
        with here, there, tempfile.TemporaryFile() as file:
            file.write(b"0123456789")
            file.flush()
            here.setblocking(False)
            sender = Sender(here, Client(), None, threading.Lock())  # type: ignore[arg-type]
            assert sender.send_file(file.fileno(), 2, 3) == 3
            assert there.recv(99) == b"234"
            with pytest.raises(EOFError, match="became shorter"):
                sender.send_file(file.fileno(), 10, 1)
            os.ftruncate(file.fileno(), 1 << 24)
            sent = [1]
            while sent[-1]:
                sent.append(sender.send_file(file.fileno(), 0, 1 << 24))
            assert sent[-1] == 0, "there is no room"
            assert max(sent) <= 1 << 20
            sender.shut_down()
            while there.recv(1 << 20):
                pass
