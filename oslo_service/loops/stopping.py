# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The event that asks the calling task to stop."""

import contextvars

from oslo_service import backend
from oslo_service.backend.base import Event

__all__ = ("reset_stop_event", "set_stop_event", "stop_requested")

_event: contextvars.ContextVar[Event] = contextvars.ContextVar("stop_requested")


#: Makes an event the one that asks the calling task to stop; returns what
#: :func:`reset_stop_event` takes. No function around it: each task of ours calls it.
set_stop_event = _event.set
#: Restores the event that there was before :func:`set_stop_event`.
reset_stop_event = _event.reset


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
