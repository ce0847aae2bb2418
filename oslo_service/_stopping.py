# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which event tells the calling task that it should end."""

from collections.abc import Callable
from typing import TypeVar

from oslo_service import backend
from oslo_service.backend.base import Event

__all__ = ("run_listening", "stop_requested")

T = TypeVar("T")

# By the identity of the task. Nothing is waited for between looking up and
# using an entry, which only its own task changes.
_events: dict[int, Event] = {}


def run_listening(event: Event, call: Callable[[], T]) -> T:
    """Make a call, in which ``event`` is the one to watch."""
    ident = backend.get_backend().current_ident()
    outer = _events.get(ident)
    _events[ident] = event
    try:
        return call()
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
