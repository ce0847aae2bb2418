# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Accepting clients from a listening socket, and pausing when that is impossible."""

import _socket
import errno
import logging
from collections.abc import Callable
from typing import Any

from oslo_service._common import clock
from oslo_service.serving.poller import Poller

__all__ = ("Acceptor",)

LOG = logging.getLogger(__name__)

# How long to pause when there are no descriptors left, in seconds.
_PAUSE = 0.25
# How many clients are accepted at a time, and at the end. One at a time where other
# processes accept, too: or one that is awake already would take them all.
_BATCH, _BACKLOG = 16, 1024
_EXHAUSTED = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC)
)


class Acceptor:
    """A listening socket, and what becomes of the clients that connect to it.

    Its methods are non-blocking, and called with a lock held, but for :meth:`close`
    and :meth:`report`: they log nothing, and return what is to be reported when it
    is not held any more.

    :param listener: a socket of the unpatched module, non-blocking.
    :param poller: reports when there is somebody to accept.
    :param connect: takes a client's socket and address; closes it where it fails.
    :param shared: whether other processes accept from the same socket.
    :param name: for the log.
    :ivar resumes_at: when it is to be opened again; None: it is open.
    """

    def __init__(
        self,
        listener: Any,
        poller: Poller,
        connect: Callable[[Any, Any], None],
        *,
        shared: bool,
        name: str,
    ) -> None:
        self._listener = listener
        self._kind = int(listener.family), int(listener.type), int(listener.proto)
        self._poller = poller
        self._connect = connect
        self._batch = 1 if shared else _BATCH
        self._name = name
        self._exhausted = False
        self.resumes_at: float | None = None

    def open(self) -> None:
        """Accept clients, from now on or again."""
        self.resumes_at = None
        self._poller.add_listener(self._listener.fileno())

    def listens_on(self, fd: int) -> bool:
        """Whether that is the descriptor of the listening socket."""
        return bool(fd == self._listener.fileno())

    def accept(self) -> Exception | None:
        """Accept some of the clients that wait; return what is to be reported."""
        failure, exhausted = self._accept(self._batch)
        if exhausted:
            if self.resumes_at is None:
                self._poller.remove(self._listener.fileno())
            self.resumes_at = clock.now() + _PAUSE
        return failure

    def accept_backlog(self) -> Exception | None:
        """Accept the clients that wait, at the end: no other process will.

        :returns: what is to be reported.
        """
        return self._accept(_BACKLOG)[0]

    def close(self) -> None:
        """Accept nobody any more.

        No lock may be held: it may have to wait until no task waits here.
        """
        if self.resumes_at is None:
            self._poller.remove(self._listener.fileno())
        self.resumes_at = None
        self._listener.close()

    def _accept(self, most: int) -> tuple[Exception | None, bool]:
        """Return what is to be reported, and whether the system is exhausted."""
        failure: Exception | None = None
        for _ in range(most):
            client = None
            try:
                client, address = self._accept_one()
                self._connect(client, address)
                self._exhausted = False
            except BlockingIOError:
                break
            except Exception as exc:  # noqa: BLE001 - it is reported
                if isinstance(exc, OSError) and exc.errno in _EXHAUSTED:
                    known, self._exhausted = self._exhausted, True
                    return (failure if known else exc), True
                if client is not None:  # else it has left already
                    failure = exc
        return failure, False

    def _accept_one(self) -> tuple[Any, Any]:
        """Accept a client: a socket of the C module, which is all that is needed.

        ``accept()`` looks two members of enums up for each, which takes longer than
        everything else that it does.
        """
        fd, address = self._listener._accept()
        return _socket.socket(*self._kind, fd), address

    def report(self, failure: Exception | None) -> None:
        """Log what has gone wrong, where something has."""
        if isinstance(failure, OSError) and failure.errno in _EXHAUSTED:
            LOG.warning("%s accepts nobody for now: %s", self._name, failure)
        elif failure is not None:
            LOG.error("%s turns a client away", self._name, exc_info=failure)
