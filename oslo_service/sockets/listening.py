# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The listening socket of a server: bound by it, or passed to the process."""

import dataclasses
import logging
import socket as sockets
from collections.abc import Callable
from typing import Any

from oslo_service.backend.base import Driver
from oslo_service.sockets import activation, binding, open_sockets

__all__ = ("Address", "ListeningSocket")

LOG = logging.getLogger(__name__)

_FAMILIES = (0, sockets.AF_INET, sockets.AF_INET6, sockets.AF_UNIX)


@dataclasses.dataclass(frozen=True)
class Address:
    """What a server is to bind to, and how it is to listen there.

    :ivar host: a name or address.
    :ivar port: 0 takes any free one.
    :ivar backlog: how many clients the system keeps waiting to be accepted.
    :ivar family: that of the address; 0: whatever ``host`` has.
    :ivar path: that of a UNIX socket; None: an address of the network.
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


class ListeningSocket:
    """A server's listening socket, which may be closed and opened again.

    :param driver: has the unpatched modules.
    :param name: the server's, by which a socket may be passed to it.
    :param address: what it is to bind to, where none is passed.
    :param adapt: sets the options of a socket of the network, and returns the socket
        to use.
    :raises ActivationError: what was passed to the process cannot be used.
    :raises OSError: it cannot listen there.
    :ivar host: the address, or path, that it listens on.
    :ivar port: the port; None for a path.
    """

    host: str
    port: int | None

    def __init__(
        self, driver: Driver, name: str, address: Address, adapt: Callable[[Any], Any]
    ) -> None:
        self._module = driver.original("socket")
        self._name = name
        self._address = address
        self._adapt = adapt
        self._passed: activation.PassedSocket | None = None
        self._bound = self._listen()

    @property
    def socket(self) -> Any:
        """The listening socket."""
        return self._bound.socket

    def duplicate(self, *, reopen: bool) -> Any:
        """Return a copy of the socket, non-blocking, to accept from.

        :param reopen: whether to listen again where it has been closed.
        :returns: None: it has been closed.
        :raises OSError: it cannot listen there any more.
        """
        fd = self._bound.duplicate()
        if fd is None and reopen:
            if self._passed is None:
                self._address = dataclasses.replace(self._address, port=self.port or 0)
            self._bound = self._listen()
            fd = self._bound.duplicate()
        if self._passed is not None:
            self._passed.in_use = True
        if fd is None:
            return None
        socket = self._module.socket(fileno=fd)
        socket.setblocking(False)
        return socket

    def release(self, *, close: bool) -> None:
        """Stop listening.

        :param close: refuse clients; else they wait until the server starts again.
        """
        if close:
            try:
                self._bound.close()
            except OSError as exc:  # the socket is closed; its file is another matter
                LOG.warning("%s cannot remove its file: %s", self._name, exc)
        if self._passed is not None:
            self._passed.in_use = False  # its successor may be another server

    def _listen(self) -> binding.BoundSocket:
        if self._passed is None:
            self._passed = self._find_passed()
        if self._passed is None:
            bound = self._bind()
        else:
            bound = binding.BoundSocket(self._adapted(self._passed.adopt()))
        bound.name = self._name
        self._record_address(bound.socket)
        open_sockets.add(bound)
        return bound

    def _find_passed(self) -> activation.PassedSocket | None:
        to = self._address
        return activation.find(
            activation.Criteria(self._module, self._name, to.host, to.port, to.path)
        )

    def _bind(self) -> binding.BoundSocket:
        to, module = self._address, self._module
        if to.path is not None:
            socket = binding.listen_on_path(module, to.path, to.mode, to.backlog)
            return binding.BoundSocket(socket, to.path)
        socket = binding.listen_on_address(
            module, to.host, to.port, to.backlog, to.family
        )
        return binding.BoundSocket(self._adapted(socket))

    def _adapted(self, socket: Any) -> Any:
        unix = socket.family == sockets.AF_UNIX
        return socket if unix else self._adapt(socket)

    def _record_address(self, socket: Any) -> None:
        address = socket.getsockname()
        if isinstance(address, tuple):
            self.host, self.port = address[:2]
        else:
            self.host, self.port = activation.describe(address), None
        how = "" if self._passed is None else ", which was passed to it"
        LOG.info("%s listens on %s%s", self._name, activation.describe(address), how)
