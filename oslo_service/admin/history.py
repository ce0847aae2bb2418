# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The last events, as JSON, and as a stream."""

import collections
import enum
import json
from collections.abc import Iterator
from typing import Any

from oslo_service.admin.replies import Stream
from oslo_service.supervisor.events import Event

__all__ = ("History", "as_value")

#: So many are kept.
KEPT = 1000


class History:
    """The last events, each with a number.

    :ivar last: the number of the latest; 0: there was none.
    """

    def __init__(self) -> None:
        self._kept: collections.deque[tuple[int, Event]] = collections.deque(
            maxlen=KEPT
        )
        self.last = 0

    def add(self, event: Event) -> None:
        """Keep an event; the oldest may go."""
        self.last += 1
        self._kept.append((self.last, event))

    def since(self, number: int) -> list[dict[str, Any]]:
        """Return those that came after one, as JSON can have them."""
        return [as_value(event, at) for at, event in self._after(number)]

    def _after(self, number: int) -> Iterator[tuple[int, Event]]:
        return ((at, event) for at, event in self._kept if at > number)

    def follow(self, number: int) -> "EventStream":
        """Return a stream of those that come after one."""
        return EventStream(self, number)

    def text(self, number: int) -> bytes:
        """Return those that came after one as server-sent events."""
        return b"".join(
            b"id: %d\nevent: %b\ndata: %b\n\n"
            % (
                at,
                type(event).__name__.encode(),
                json.dumps(as_value(event, at)).encode(),
            )
            for at, event in self._after(number)
        )


class EventStream(Stream):
    """What happens from now on: server-sent events, of the HTML standard.

    :param history: where they are.
    :param last: the number of the last one that is known already.
    """

    kind = "text/event-stream"

    def __init__(self, history: History, last: int) -> None:
        self._history = history
        self._last = last

    @property
    def pending(self) -> bool:
        """Whether there is one that is new."""
        return self._history.last > self._last

    def take(self) -> bytes:
        """Return those that are new."""
        last, self._last = self._last, self._history.last
        return self._history.text(last) if self._last > last else b""


def as_value(event: Event, number: int) -> dict[str, Any]:
    """Return an event as JSON can have it.

    :param number: its own.
    """
    fields = {name: _plain(value) for name, value in vars(event).items()}
    return {"id": number, "event": type(event).__name__, **fields}


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return str(value)
