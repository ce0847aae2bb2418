# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which event tells the calling task that it should end."""

import contextlib
from collections.abc import Iterator

from oslo_service import backend
from oslo_service.backend.base import Event

__all__ = ("listening_to", "stop_requested")

# By the identity of the task. Nothing is waited for between looking up and
# using an entry, which only its own task changes.
_events: dict[int, Event] = {}


@contextlib.contextmanager
def listening_to(event: Event) -> Iterator[None]:
    """Make ``event`` the one that the calling task should watch."""
    ident = backend.get_backend().current_ident()
    outer = _events.get(ident)
    _events[ident] = event
    try:
        yield
    finally:
        if outer is None:
            _events.pop(ident, None)
        else:
            _events[ident] = outer


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
