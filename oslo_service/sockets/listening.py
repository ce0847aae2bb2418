# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Where a server listens: at a place of its own, or with what it was passed."""

import dataclasses
import logging
import socket as sockets
from collections.abc import Callable
from typing import Any

from oslo_service.backend.base import Driver
from oslo_service.sockets import activation, binding, open_sockets

__all__ = ("Entry", "Place")

LOG = logging.getLogger(__name__)

_FAMILIES = (0, sockets.AF_INET, sockets.AF_INET6, sockets.AF_UNIX)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a server was asked to listen.

    :ivar family: of the address; 0: whatever ``host`` has.
    :ivar path: of a UNIX socket; None: an address of the network.
    :ivar mode: the permissions of its file; None: what the umask leaves.
    :raises ValueError: there is no such family.
    """

    host: str
    port: int
    backlog: int
    family: int
    path: str | None
    mode: int | None

    def __post_init__(self) -> None:
        if self.family not in _FAMILIES:
            raise ValueError(
                "socket_family is AF_INET, AF_INET6, AF_UNIX or None, not"
                f" {self.family!r}"
            )


class Entry:
    """A server's listening socket, which may be closed and opened again.

    :param driver: has the unpatched modules.
    :param name: the server's, by which a socket may be passed to it.
    :param place: where it was asked to listen.
    :param adapt: sets what a socket of the network is to have, and gives the one
        to use.
    :raises ActivationError: what was passed to the process is of no use.
    :raises OSError: it cannot listen there.
    :ivar host: the address, or path, that it listens on.
    :ivar port: the port; None for a path.
    """

    host: str
    port: int | None

    def __init__(
        self, driver: Driver, name: str, place: Place, adapt: Callable[[Any], Any]
    ) -> None:
        self._module = driver.original("socket")
        self._name = name
        self._place = place
        self._adapt = adapt
        self._passed: activation.Passed | None = None
        self._listener = self._listen()

    @property
    def socket(self) -> Any:
        """The listening socket."""
        return self._listener.socket

    def duplicate(self, *, reopen: bool) -> Any:
        """Give a copy of the socket, not blocking, for whoever accepts.

        :param reopen: whether to listen again where it has been closed.
        :returns: None: it has been closed.
        :raises OSError: it cannot listen there any more.
        """
        fd = self._listener.duplicate()
        if fd is None and reopen:
            if self._passed is None:
                self._place = dataclasses.replace(self._place, port=self.port or 0)
            self._listener = self._listen()
            fd = self._listener.duplicate()
        if self._passed is not None:
            self._passed.taken = True
        if fd is None:
            return None
        socket = self._module.socket(fileno=fd)
        socket.setblocking(False)
        return socket

    def leave(self, *, for_good: bool) -> None:
        """Listen no more.

        :param for_good: refuse clients; else they wait for whoever comes next.
        """
        if for_good:
            self._listener.close()
        if self._passed is not None:
            self._passed.taken = False  # its successor may be another server

    def _listen(self) -> binding.Listener:
        if self._passed is None:
            self._passed = self._find_passed()
        if self._passed is None:
            listener = self._bind()
        else:
            listener = binding.Listener(self._adapted(self._passed.adopt()))
        self._note_address(listener.socket)
        open_sockets.add(listener)
        return listener

    def _find_passed(self) -> activation.Passed | None:
        place = self._place
        return activation.find(
            activation.Wanted(
                self._module, self._name, place.host, place.port, place.path
            )
        )

    def _bind(self) -> binding.Listener:
        place, module = self._place, self._module
        if place.path is not None:
            socket = binding.listen_on_path(
                module, place.path, place.mode, place.backlog
            )
            return binding.Listener(socket, place.path)
        socket = binding.listen_on_address(
            module, place.host, place.port, place.backlog, place.family
        )
        return binding.Listener(self._adapted(socket))

    def _adapted(self, socket: Any) -> Any:
        unix = socket.family == sockets.AF_UNIX
        return socket if unix else self._adapt(socket)

    def _note_address(self, socket: Any) -> None:
        address = socket.getsockname()
        if isinstance(address, tuple):
            self.host, self.port = address[:2]
        else:
            self.host, self.port = activation.describe(address), None
        how = "" if self._passed is None else ", which was passed to it"
        LOG.info("%s listens on %s%s", self._name, activation.describe(address), how)
