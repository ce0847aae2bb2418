# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The listening sockets of this process.

A parent has copies of the sockets on which its workers listen. As long as one
is open, clients are let in: at the end it is to be closed first.
"""

import weakref
from typing import Protocol

from oslo_service._common.process_state import Inherited

__all__ = ("add", "add_last", "close_all", "close_last", "listed")


class Closable(Protocol):
    """What listens, and can be closed."""

    def close(self) -> None:
        """Refuse clients, as far as this process is concerned."""


_open: "Inherited[weakref.WeakSet[Closable]]" = Inherited(weakref.WeakSet)
_last: "Inherited[weakref.WeakSet[Closable]]" = Inherited(weakref.WeakSet)


def add(listener: Closable) -> None:
    """Have a listener closed when the process is told to stop."""
    _open.get().add(listener)


def add_last(listener: Closable) -> None:
    """Have a listener closed when the process ends at once.

    It goes on while the process stops in order.
    """
    _last.get().add(listener)


def close_all() -> list[OSError]:
    """Refuse all clients; return what could not be cleared away."""
    return _close(_open.get())


def close_last() -> list[OSError]:
    """Refuse everybody, since the process ends; return what could not be."""
    return _close(_open.get()) + _close(_last.get())


def listed() -> list[tuple[str, str, int | None]]:
    """Return what listens: its name, the address or path, and the port if any."""
    found = []
    for one in list(_open.get()):
        address = getattr(one, "address", None)
        if address is not None and not one.closed:  # type: ignore[attr-defined]
            found.append((one.name, *address()))  # type: ignore[attr-defined]
    return sorted(found, key=str)


def _close(some: "weakref.WeakSet[Closable]") -> list[OSError]:
    errors = []
    for listener in list(some):
        try:
            listener.close()
        except OSError as exc:  # its file may belong to somebody else
            errors.append(exc)
    some.clear()
    return errors
