# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Socket activation: sockets that systemd passes to the process, sd_listen_fds(3)."""

import itertools
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from oslo_service._common import digits, naming
from oslo_service._common.fork_safety import Inherited
from oslo_service._common.records import Record, State

__all__ = ("ActivationError", "Criteria", "PassedSocket", "describe", "find", "inherit")

LOG = logging.getLogger(__name__)

# The first descriptor that is passed; the others follow.
_FIRST = 3
_PID, _COUNT, _NAMES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"

# Of IPv4, and of IPv6: one socket there does for both, ipv6(7).
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - nothing is bound here


class ActivationError(ValueError):
    """What was passed is not what the variables say, or cannot be used."""


class PassedSocket(State):
    """A descriptor that was passed to this process.

    It stays open, so that a server that has closed its copy can take another.

    :ivar sockets: the standard library's module, unpatched.
    :ivar fd: the descriptor.
    :ivar name: the name that the socket's unit gives it; there may be none.
    :ivar in_use: whether a server listens with it.
    """

    sockets: ModuleType
    fd: int
    name: str
    in_use: bool = False

    @property
    def address(self) -> Any:
        """The address that it is bound to; None: it is no listening stream."""
        sockets = self.sockets
        if not stat.S_ISSOCK(os.fstat(self.fd).st_mode):
            return None
        with sockets.socket(fileno=os.dup(self.fd)) as socket:
            families = (sockets.AF_INET, sockets.AF_INET6, sockets.AF_UNIX)
            if socket.type != sockets.SOCK_STREAM or socket.family not in families:
                return None
            listens = socket.getsockopt(sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN)
            return socket.getsockname() if listens else None

    def adopt(self) -> Any:
        """Return a copy, set up as sockets that are bound here; mark it as in use."""
        self.in_use = True
        socket = self.sockets.socket(fileno=os.dup(self.fd))
        if socket.family != self.sockets.AF_UNIX:
            socket.setsockopt(self.sockets.IPPROTO_TCP, self.sockets.TCP_NODELAY, 1)
        return socket

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        return f"descriptor {self.fd}{name} at {describe(self.address)}"


class Criteria(Record):
    """Which of the passed sockets is that of a server: by name, or by address.

    :ivar sockets: the standard library's module, unpatched.
    :ivar name: the name of the server.
    :ivar host: the address, or name, that the server is to listen on.
    :ivar port: the port.
    :ivar path: that of a UNIX socket; None: an address of the network.
    """

    sockets: ModuleType
    name: str
    host: str
    port: int
    path: str | None

    def fits(self, address: Any) -> bool:
        """Whether a socket that is bound to ``address`` is where the server listens."""
        if self.path is not None:
            return isinstance(address, str) and _same_file(address, self.path)
        if not isinstance(address, tuple) or address[1] != self.port:
            return False
        if self.host in ("", _EVERYWHERE[0]):
            return address[0] in _EVERYWHERE
        return address[0] in self._addresses()

    def _addresses(self) -> set[str]:
        kind = self.sockets.SOCK_STREAM
        try:
            found = self.sockets.getaddrinfo(self.host, None, type=kind)
        except OSError:
            return set()
        return {str(one[4][0]) for one in found}

    def choose(self, candidates: list[PassedSocket]) -> PassedSocket | None:
        """Return the one with the name; else, or of several, the one with the address.

        :param candidates: what was passed.
        :returns: None: none of them is the server's.
        :raises ActivationError: what has the server's name cannot be used.
        """
        free = [one for one in candidates if not one.in_use]
        namesakes = [one for one in free if one.name and one.name == self.name]
        for one in namesakes:
            if one.address is None:
                raise ActivationError(
                    f"{_COUNT}: descriptor {one.fd}, which {_NAMES} calls"
                    f" {one.name!r}, is not a socket that listens for streams:"
                    " its unit needs ListenStream= and Accept=no"
                )
        fitting = [one for one in namesakes or free if self.fits(one.address)]
        # First, those that are not bound to all addresses.
        fitting.sort(key=lambda one: one.address[0] != self.host)
        return next(iter((*fitting, *namesakes)), None)


def describe(address: Any) -> str:
    """Return the address of a socket as people write it."""
    if isinstance(address, tuple):
        return naming.address(*address[:2])
    if isinstance(address, bytes):  # the abstract namespace, unix(7)
        return os.fsdecode(address.replace(b"\0", b"@", 1))
    return str(address) if address is not None else "no listening stream socket"


_passed: Inherited[list[PassedSocket]] = Inherited(list)


def _all_passed(sockets: ModuleType) -> list[PassedSocket]:
    """Return what was passed to this process.

    The first call removes the variables from the environment, and makes the
    descriptors ones that programs that are started from here do not inherit.

    :param sockets: the standard library's module, unpatched.
    :raises ActivationError: a variable does not make sense.
    """
    passed = _passed.get()
    if _number(_PID) == os.getpid():
        count = _number(_COUNT)
        passed[:] = list(_open_descriptors(sockets, count, _names(count)))
        for name in (_PID, _COUNT, _NAMES):
            os.environ.pop(name, None)
    return passed


def find(criteria: Criteria) -> PassedSocket | None:
    """Return what a server is to listen with, among what was passed.

    :returns: None: it has to bind a socket itself; a warning names what is left.
    :raises ActivationError: a variable does not make sense, or what was passed
        cannot be used.
    """
    passed = _all_passed(criteria.sockets)
    chosen = criteria.choose(passed)
    left = [str(one) for one in passed if not one.in_use]
    if chosen is None and left:
        LOG.warning(
            "%s binds a socket itself: it has neither the name nor the address of what"
            " was passed to this process and is not in use: %s",
            *(criteria.name, "; ".join(left)),
        )
    return chosen


def inherit(parent: int) -> None:
    """Let a freshly forked worker use what was passed to its parent."""
    if os.environ.get(_PID) == str(parent):
        os.environ[_PID] = str(os.getpid())


def _number(variable: str) -> int:
    text = os.environ.get(variable, "0")
    number = digits.read(text)
    if number is None:
        raise ActivationError(f"{variable} is a number, 0 or more, not {text!r}")
    return number


def _names(count: int) -> Iterable[str]:
    listed = os.environ.get(_NAMES)
    if not listed:
        return itertools.repeat("", count)
    names = listed.split(":")
    if len(names) != count:
        raise ActivationError(
            f"{_NAMES} has one name for each of the {count} descriptors of {_COUNT},"
            f" with colons between them, not {listed!r}"
        )
    return names


def _open_descriptors(
    sockets: ModuleType, count: int, names: Iterable[str]
) -> Iterator[PassedSocket]:
    for fd, name in enumerate(names, start=_FIRST):
        try:
            os.set_inheritable(fd, False)
        except OSError:
            raise ActivationError(
                f"{_COUNT}={count}, but descriptor {fd} is not open"
            ) from None
        yield PassedSocket(sockets, fd, name)


def _same_file(one: str, other: str) -> bool:
    return Path(one).absolute() == Path(other).absolute()
