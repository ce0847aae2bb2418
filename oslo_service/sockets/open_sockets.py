# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The listening sockets of this process.

A parent has copies of the sockets on which its workers listen. As long as one copy
is open, the system lets clients connect: at the end they are closed first.
"""

import weakref
from typing import Any, Protocol

from oslo_service._common.fork_safety import Inherited

__all__ = ("add", "add_until_end", "close_at_end", "listed", "refuse_clients")


class Closable(Protocol):
    """Something that listens, and can be closed."""

    def close(self) -> None:
        """Refuse clients, as far as this process is concerned."""


class ServerListener(Closable, Protocol):
    """The listening socket of a server.

    :ivar name: that of the server.
    :ivar closed: whether it has been closed.
    """

    name: str

    @property
    def closed(self) -> bool: ...

    def address(self) -> tuple[str, int | None]:
        """Return where it listens: the address and the port; or the path, and None."""


_servers: "Inherited[weakref.WeakSet[ServerListener]]" = Inherited(weakref.WeakSet)
_until_end: "Inherited[weakref.WeakSet[Closable]]" = Inherited(weakref.WeakSet)


def add(listener: ServerListener) -> None:
    """Have a listener closed when the process is told to stop."""
    _servers.get().add(listener)


def add_until_end(listener: Closable) -> None:
    """Have a listener closed when the process ends, not when it is told to stop."""
    _until_end.get().add(listener)


def refuse_clients() -> list[OSError]:
    """Close the sockets of servers, as far as this process is concerned.

    :returns: why files could not be removed.
    """
    return _close(_servers.get())


def close_at_end() -> list[OSError]:
    """Close everything that listens: the process ends.

    :returns: why files could not be removed.
    """
    return _close(_servers.get()) + _close(_until_end.get())


def listed() -> list[tuple[str, str, int | None]]:
    """Return the open sockets of servers: the name, and what ``address()`` returns."""
    servers = [one for one in list(_servers.get()) if not one.closed]
    return sorted(((one.name, *one.address()) for one in servers), key=str)


def _close(some: "weakref.WeakSet[Any]") -> list[OSError]:
    errors = []
    for listener in list(some):
        try:
            listener.close()
        except OSError as exc:  # its file may belong to somebody else
            errors.append(exc)
    some.clear()
    return errors
