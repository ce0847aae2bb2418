# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The server of the endpoint: it waits in the supervisor's own wait.

It never blocks, and does little at a time: between any two requests the supervisor
looks after signals and workers. However many clients there are, and whatever they
do, the newest is let in: the one that has been idle for the longest goes, else the
one that has been answered the most.
"""

import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from oslo_service._common import clock
from oslo_service._common.times import earliest
from oslo_service.admin.client import LIMITS, Client
from oslo_service.admin.interest_list import InterestList
from oslo_service.admin.messages import Answer, Ask, Later, Reply, failure, refusal
from oslo_service.sockets.binding import BoundSocket
from oslo_service.supervisor.wait_sources import AddedSource

__all__ = ("AdminServer", "Listener")

LOG = logging.getLogger(__name__)

#: How many clients each listener has at a time.
CLIENTS = 32
# How many clients are accepted at a time.
_ACCEPTED = 64
# How long no client is accepted after accepting has failed, in seconds.
_PAUSE = 1.0


class Listener:
    """A listening socket, and its clients.

    :param bound: the socket; it is made non-blocking.
    :param trusted: whether it is the control socket.
    :ivar forget: called with a client's descriptor before that is closed.
    """

    def __init__(self, bound: BoundSocket, *, trusted: bool) -> None:
        self.bound = bound
        self.forget: Callable[[int], object] = lambda _fd: None
        self.trusted = trusted
        self.fd: int = bound.socket.fileno()
        bound.socket.setblocking(False)
        #: The clients by descriptor; the oldest first.
        self.clients: dict[int, Client] = {}

    def accept(self, now: float, hear: Callable[[Client], object]) -> None:
        """Accept clients that wait.

        :param hear: takes in what a client has sent by now, and may drop it: one that
            asks is worth more than one that is silent.
        :raises OSError: there are no descriptors left.
        """
        for _ in range(_ACCEPTED):
            try:
                socket, _ = self.bound.socket.accept()
            except (BlockingIOError, ConnectionError):  # the client has gone
                return
            socket.setblocking(False)
            client = Client(socket, now, trusted=self.trusted)
            self.clients[client.fd] = client
            hear(client)
            if len(self.clients) > CLIENTS and self._make_room():
                return

    def _make_room(self) -> bool:
        """Drop a client; return whether it was one that waits for its first answer."""
        least = min(self.clients.values(), key=lambda one: one.standing)
        waits = least.waits
        self.drop(least)
        return waits

    def drop(self, client: Client) -> None:
        """Close a client."""
        del self.clients[client.fd]
        self.forget(client.fd)
        client.close()

    def close(self, end: Callable[[BoundSocket], object]) -> None:
        """Close everything."""
        while self.clients:
            self.clients.popitem()[1].close()
        end(self.bound)


class AdminServer(AddedSource):
    """Serves clients until everything has ended.

    :param listeners: the sockets that listen.
    :param answer: answers a request; never blocks.
    :param forget: called at the end.
    :param interest: has the descriptors that are waited for.
    """

    def __init__(
        self,
        listeners: list[Listener],
        answer: Callable[[Ask], Answer],
        forget: Callable[[], object],
        interest: InterestList,
    ) -> None:
        self._listeners = listeners
        self._interest = interest
        for listener in listeners:
            listener.forget = self._interest.forget
        self._answer = answer
        self._forget = forget
        self._paused_until: float | None = None
        # The client whose turn it is; whether any may have a request to be answered.
        self._next: Client | None = None
        self._more = False

    def _clients(self) -> Iterator[tuple[Listener, Client]]:
        for listener in self._listeners:
            for client in list(listener.clients.values()):
                yield listener, client

    # The supervisor's wait

    def filenos(self) -> list[int]:
        """Return the descriptors to wait for until they can be read."""
        try:
            return self._wanted()
        except Exception as exc:  # noqa: BLE001 - is logged
            self._fail(exc)
            return []

    def _fail(self, error: Exception) -> None:
        """Close everything, in place of ending what is supervised."""
        LOG.error("The admin endpoint has failed, and is closed", exc_info=error)
        self._more, self._paused_until = False, None
        self.close()

    def _wanted(self) -> list[int]:
        read = {one.fd for _, one in self._clients() if one.wants_data}
        if self._paused_until is None:
            read |= {one.fd for one in self._listeners}
        write = {one.fd for _, one in self._clients() if one.has_data}
        self._interest.update(read, write)
        return self._interest.filenos()

    def filenos_to_write(self) -> list[int]:
        """Return those to wait for until they can be written to."""
        return self._interest.filenos_to_write()

    @property
    def deadline(self) -> float | None:
        """When there is something to do even if nothing happens."""
        if self._more:
            return clock.now()
        due = [one.deadline for _, one in self._clients()]
        due.append(self._paused_until)
        return earliest(due)

    def collect(self, readable: set[int], writable: set[int], now: float) -> None:
        """Take in what has come, send what can be sent, and answer one request."""
        try:
            self._collect(readable, writable, now)
        except Exception as exc:  # noqa: BLE001 - is logged
            self._fail(exc)

    def _collect(self, readable: set[int], writable: set[int], now: float) -> None:
        readable, writable = self._interest.found(readable, writable)
        for listener, client in self._clients():
            self._attend(listener, client, readable, writable, now)
        self._answer_one(now)
        if self._paused_until is not None and now >= self._paused_until:
            self._paused_until = None
        for listener in self._listeners:
            if listener.fd in readable:
                self._accept(listener, now)

    def _accept(self, listener: Listener, now: float) -> None:
        try:
            listener.accept(now, functools.partial(self._hear, listener, now))
        except OSError as exc:
            self._paused_until = now + _PAUSE
            LOG.warning("The admin endpoint accepts no client for a second: %s", exc)

    def _hear(self, listener: Listener, now: float, client: Client) -> None:
        def hear() -> None:
            client.receive(now)
            client.flush(now)  # what it said may be nothing to answer later

        self._more = True
        self._guard(listener, client, hear)

    def _attend(
        self,
        listener: Listener,
        client: Client,
        readable: set[int],
        writable: set[int],
        now: float,
    ) -> None:
        def attend() -> None:
            if client.fd in readable:
                client.receive(now)
                self._more = True
            if client.fd in writable:
                client.flush(now)
                self._more = True
            client.expire(now)
            if client.pending is not None:
                self._try_later(client, client.pending, now)

        self._guard(listener, client, attend)

    def _guard(
        self, listener: Listener, client: Client, step: Callable[[], object]
    ) -> None:
        """Do something for a client, whose failure is nobody else's."""
        try:
            step()
        except OSError as exc:
            LOG.debug("A client of the admin endpoint is gone: %s", exc)
            listener.drop(client)
        except Exception:
            LOG.exception("A client of the admin endpoint could not be served")
            listener.drop(client)
        else:
            if client.closed:
                listener.drop(client)

    # Answers

    def _answer_one(self, now: float) -> None:
        """Answer the next request, where there is one: each client in its turn."""
        self._more = False
        waiting = list(self._clients())
        begin = next(
            (at for at, (_, one) in enumerate(waiting) if one is self._next), 0
        )
        for listener, client in (*waiting[begin:], *waiting[:begin]):
            if self._more:
                self._next = client
                return
            ask = client.next_ask()
            if ask is not None:
                self._more = True
                reply = functools.partial(self._reply, client, ask, now)
                self._guard(listener, client, reply)

    def _reply(self, client: Client, ask: Ask, now: float) -> None:
        if not client.body_is_whole or len(ask.body) > LIMITS.buffered_body:
            client.answer(refusal(413, "orders are shorter than that"), now)
            client.flush(now)
            return
        answer = self._answer(ask)
        if isinstance(answer, Reply):
            client.answer(answer, now)
        elif isinstance(answer, Later):
            client.pending = answer
            self._try_later(client, answer, now)
        else:
            client.follow(answer, now)
        client.flush(now)

    @staticmethod
    def _try_later(client: Client, later: Later, now: float) -> None:
        try:
            reply = later.reply(now)
        except Exception:
            LOG.exception("A request could not be answered")
            reply = failure()
        if reply is not None:
            client.answer(reply, now)
            client.flush(now)

    # The end

    def close(self) -> None:
        """Accept no further clients, and remove the files. Idempotent."""
        self._forget()
        self._interest.close()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            for client in listener.clients.values():
                self._guard_last(client)
            listener.close(BoundSocket.close)

    def _guard_last(self, client: Client) -> None:
        try:
            self._say_last(client, clock.now())
        except OSError:
            pass
        except Exception:
            LOG.exception("A client of the admin endpoint could not be served")

    def _say_last(self, client: Client, now: float) -> None:
        """Send what waits; tell a client that waits for an answer: none will come."""
        if client.pending is not None:
            self._try_later(client, client.pending, now)
        if client.pending is not None:
            ended = "the service has ended before that was known: its log says why"
            client.answer(refusal(503, ended), now)
        client.flush(now)

    def leave(self) -> None:
        """Close what is the parent's, in a freshly forked process."""
        self._interest.close()
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close(_close_socket)


def _close_socket(bound: BoundSocket) -> Any:
    bound.socket.close()
