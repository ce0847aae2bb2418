# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which event tells the calling task that it should end."""

import contextvars

from oslo_service import backend
from oslo_service.backend.base import Event

__all__ = ("forget", "listen", "stop_requested")

_event: contextvars.ContextVar[Event] = contextvars.ContextVar("stop_requested")


def listen(event: Event) -> contextvars.Token[Event]:
    """Make ``event`` the one that the calling task watches.

    :returns: what :func:`forget` takes.
    """
    return _event.set(event)


def forget(token: contextvars.Token[Event]) -> None:
    """Watch the event again that was watched before :func:`listen`."""
    _event.reset(token)


def stop_requested() -> Event:
    """Return the event that is set when the calling thread is asked to stop.

    To be called inside a thread or a timer of a :class:`ThreadGroup`, or
    inside a looping call. Where threads cannot be killed, this is how they
    learn that they should end::

        while not stop_requested().wait(timeout=1.0):
            do_a_little()

    Elsewhere it returns an event that nobody sets.
    """
    event = _event.get(None)
    return backend.get_backend().event() if event is None else event
