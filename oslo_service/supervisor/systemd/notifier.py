# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service manager of this process, as systemd is, and what gets to it.

It is told of events as any other subscriber is; :mod:`.messages` says what.
"""

import collections
import os
from collections.abc import Callable

from oslo_service._common import clock
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.times import earliest
from oslo_service.supervisor import events
from oslo_service.supervisor.snapshot import Snapshot
from oslo_service.supervisor.systemd import watchdog, wire
from oslo_service.supervisor.systemd.messages import FEED, Messages

__all__ = ("Notifier",)

LOG = CarefulLog(__name__)

# How long to leave a receiver alone whose queue is full, in seconds, and how
# many messages are kept for it.
_PAUSE = 0.2
_KEPT = 64


class Notifier:
    """Tells the service manager how the services fare.

    Its address, from the environment, is kept: it leaves the environment when all
    is ready, so that nobody else uses it.

    :param snapshot: returns the state of everything.
    :param announce: says the first time that the service is ready, and what it is
        called with besides; False: it could not.
    :param ask: has every worker say that it can answer.
    :param publish: takes the events that come of it.
    :raises ValueError: a variable that systemd sets has no meaning.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        announce: Callable[..., object],
        ask: Callable[[], object],
        publish: Callable[[events.Event], object],
    ) -> None:
        self._address = os.environ[wire.VARIABLE]
        self._snapshot = snapshot
        self._announce = announce
        self._ask = ask
        self._publish = publish
        seconds = watchdog.interval(os.environ)
        self._watchdog = None if seconds is None else watchdog.Watchdog(seconds)
        self._messages = Messages(os.getpid(), self._watchdog)
        self._outbox: collections.deque[str] = collections.deque(maxlen=_KEPT)
        self._send_at: float | None = None
        self._failing = False
        self._announced = False
        self._withheld = False

    def hear(self, event: events.Event) -> None:
        """Tell of an event."""
        now = clock.now()
        match event:
            case events.Ready() | events.ReloadFinished():
                self._say_ready(self._messages.ready(self._snapshot(), now))
            case events.ReloadStarted():
                self._post(self._messages.reloading(now))
            case events.Draining():
                self._post(self._messages.stopping(self._snapshot(), now))
            case _:
                self._post(self._messages.changed(self._snapshot(), now))
        self._send(now)

    def advance(self, now: float) -> None:
        """Tell what is due by now."""
        for lines in self._messages.advance(self._snapshot(), now):
            self._post(lines)
            if lines == [FEED]:
                self._ask()
        self._report_withheld()
        self._send(now)

    @property
    def deadline(self) -> float | None:
        """When :meth:`advance` has more to do even if nothing happens."""
        return earliest((self._messages.deadline, self._send_at))

    def _say_ready(self, lines: list[str]) -> None:
        if lines and not self._announced:
            self._announced = True
            self._ask()
            if self._announce(*lines[1:]) is not False:
                return
            self._failing = True  # which has been logged
        self._post(lines)

    def _report_withheld(self) -> None:
        withheld = self._watchdog is not None and self._watchdog.withheld
        if withheld and not self._withheld:
            silent = ", ".join(self._snapshot().silent)
            self._publish(events.WatchdogWithheld(silent=silent))
        elif self._withheld and not withheld:
            self._publish(events.WatchdogResumed())
        self._withheld = withheld

    # Sending

    def _post(self, lines: list[str]) -> None:
        message = "\n".join(lines)
        if message and not (self._outbox and self._outbox[-1] == message):
            self._outbox.append(message)

    def _send(self, now: float) -> None:
        if self._send_at is not None and now < self._send_at:
            return
        self._send_at = None
        while self._outbox:
            try:
                wire.send(self._address, self._outbox[0])
            except BlockingIOError:
                self._send_at = now + _PAUSE
                return
            except OSError as exc:
                if not self._failing:
                    LOG.error(  # noqa: TRY400 - where it stood says nothing
                        "systemd cannot be told at %s=%r: %s",
                        *(wire.VARIABLE, self._address, exc),
                    )
                self._failing = True
            else:
                self._failing = False
            self._outbox.popleft()
