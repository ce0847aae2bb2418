# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The subscribers to events: which there are, and when they are told."""

import collections
from collections.abc import Callable, Iterable

from oslo_service import backend
from oslo_service._common import clock, coroutines
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.failures import FAILURES, is_interrupt
from oslo_service._common.fork_safety import PerProcess
from oslo_service.supervisor.events import Event

__all__ = ("EventQueue", "Subscriber", "subscribe")

LOG = CarefulLog(__name__)

# How long telling may take, in seconds, before that is worth a line.
_LONG = 1.0

Subscriber = Callable[[Event], object]


# Whom the users of this process have subscribed: replaced as a whole, so that who
# goes through them sees no change.
_subscribers: PerProcess[tuple[Subscriber, ...]] = PerProcess(tuple)


def subscribe(subscriber: Subscriber) -> Callable[[], None]:
    """Have ``subscriber(event)`` called for everything that happens from now on.

    It is called by whoever waits for a launcher, in this process: with the
    events in their order, after what has to be done has been done. It should not
    block: the next event waits for it. What it raises is logged, SystemExit too, and
    it is called for the next event all the same. Workers that are forked do not
    inherit it.

    :param subscriber: looks at the type of the event, and at its fields.
    :returns: a function that ends the subscription; idempotent.
    :raises TypeError: it cannot be called, or is asynchronous.
    """
    if not callable(subscriber):
        raise TypeError(f"a subscriber is called with each event, not {subscriber!r}")
    coroutines.refuse(subscriber, "a subscriber")

    def call(event: Event) -> object:
        return subscriber(event)  # the same one may have been subscribed twice

    _subscribers.set((*_subscribers.get(), call))
    return lambda: _unsubscribe(call)


def _unsubscribe(call: Subscriber) -> None:
    _subscribers.set(tuple(one for one in _subscribers.get() if one is not call))


class EventQueue:
    """What has happened and has not been told yet.

    :param own: the supervisor's own subscribers, which come first.
    """

    def __init__(self, own: Iterable[Subscriber]) -> None:
        self.own = list(own)
        self._events: collections.deque[Event] = collections.deque()

    def publish(self, event: Event) -> None:
        """Have everybody told of an event, later; thread-safe and non-blocking."""
        self._events.append(event)

    def publish_once(self, event: Event) -> None:
        """Publish an event, unless one of its kind has not been told yet."""
        if not any(type(one) is type(event) for one in list(self._events)):
            self.publish(event)

    @property
    def pending(self) -> bool:
        """Whether anything has not been told yet."""
        return bool(self._events)

    def deliver(self) -> None:
        """Tell all subscribers what has happened: only in the task with the turn."""
        begun = clock.now()
        while self._events:
            self._tell(self._events.popleft())
        taken = clock.now() - begun
        if taken > _LONG:
            LOG.warning(
                "Writing the log, and telling who subscribed to events, took %.1f s;"
                " no worker was replaced meanwhile",
                taken,
            )

    def _tell(self, event: Event) -> None:
        for subscriber in (*self.own, *_subscribers.get()):
            try:
                with backend.confined():
                    subscriber(event)
            except FAILURES as exc:
                if is_interrupt(exc):
                    raise
                LOG.exception("A subscriber failed, of %r", event)
