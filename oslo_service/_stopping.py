# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which event tells the calling task that it should end."""

from oslo_service import backend
from oslo_service.backend.base import Event

__all__ = ("listen", "stop_requested")

# By the identity of the task. Nothing is waited for between looking up and
# using an entry, which only its own task changes.
_events: dict[int, Event] = {}


def listen(ident: int, event: Event | None) -> Event | None:
    """Make ``event`` the one that a task watches, until the next call.

    :param ident: the calling task's identity.
    :param event: None: it watches none any more.
    :returns: the one that it has watched so far.
    """
    outer = _events.get(ident)
    if event is None:
        _events.pop(ident, None)
    else:
        _events[ident] = event
    return outer


def stop_requested() -> Event:
    """Give the event that is set when the calling thread is asked to stop.

    To be called inside a thread or a timer of a :class:`ThreadGroup`, or
    inside a looping call. Where threads cannot be killed, this is how they
    learn that they should end::

        while not stop_requested().wait(timeout=1.0):
            do_a_little()

    Elsewhere it gives an event that nobody sets.
    """
    driver = backend.get_backend()
    return _events.get(driver.current_ident()) or driver.event()
