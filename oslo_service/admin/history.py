# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The last events, as JSON, and as a stream."""

import collections
import enum
import json
from typing import Any

from oslo_service.admin.messages import Stream
from oslo_service.supervisor.events import Event

__all__ = ("History", "as_value")

#: How many events are kept.
KEPT = 1000
# How much of a text is kept, in characters: stacks may be long.
_LONGEST = 4096


class History:
    """The last events, each with a number.

    :ivar last: the number of the latest; 0: there was none.
    """

    def __init__(self) -> None:
        # As JSON: an error would keep alive the frames in which it was raised.
        self._kept: collections.deque[dict[str, Any]] = collections.deque(maxlen=KEPT)
        self.last = 0

    def add(self, event: Event) -> None:
        """Keep an event; drop the oldest where there are too many."""
        self.last += 1
        self._kept.append(as_value(event, self.last))

    def since(self, number: int) -> list[dict[str, Any]]:
        """Return the events after the one with that number."""
        return [one for one in self._kept if one["id"] > number]

    def follow(self, number: int) -> "EventStream":
        """Return a stream of the events after the one with that number."""
        return EventStream(self, number)

    def text(self, number: int) -> bytes:
        """Return the events after the one with that number, as server-sent events."""
        return "".join(map(_sent, self.since(number))).encode()


class EventStream(Stream):
    """A stream of what happens: server-sent events, of the HTML standard.

    :param history: has the events.
    :param last: the number of the last event that the client knows.
    """

    kind = "text/event-stream"

    def __init__(self, history: History, last: int) -> None:
        self._history = history
        self._last = last

    @property
    def pending(self) -> bool:
        """Whether there are new events."""
        return self._history.last > self._last

    def take(self) -> bytes:
        """Return the new events."""
        last, self._last = self._last, self._history.last
        return self._history.text(last) if self._last > last else b""


def as_value(event: Event, number: int) -> dict[str, Any]:
    """Return an event as a value for JSON.

    :param number: the number of the event.
    """
    fields = {name: _plain(value) for name, value in vars(event).items()}
    return {"id": number, "event": type(event).__name__, **fields}


def _sent(event: dict[str, Any]) -> str:
    number, name, data = event["id"], event["event"], json.dumps(event)
    return f"id: {number}\nevent: {name}\ndata: {data}\n\n"


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, BaseException):
        value = f"{type(value).__name__}: {value}"
    return str(value)[:_LONGEST]
