# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The manager of this process, as systemd is: telling it what :mod:`.notices` says."""

import collections
import dataclasses
import logging
import os
import weakref
from collections.abc import Callable, Sequence

from oslo_service.supervisor.runner import Host
from oslo_service.supervisor.systemd import watchdog, wire
from oslo_service.supervisor.systemd.messages import FEED, Facts, Notices
from oslo_service.supervisor.workers.pool import Workforce

__all__ = ("Manager", "forget", "of_environment")

LOG = logging.getLogger(__name__)

# How long to leave a receiver alone whose queue is full, in seconds, and how
# many messages are kept for it.
_PAUSE = 0.2
_KEPT = 64

Units = Sequence[Host | Workforce]


def of_environment() -> "Manager | None":
    """Give who manages this process; None: nobody asked to be told anything.

    :raises ValueError: a variable that systemd sets has no meaning.
    """
    address = os.environ.get(wire.VARIABLE)
    return Manager(address) if address else None


def forget() -> None:
    """Tell nobody anything, in a process that has a parent: that one tells."""
    os.environ.pop(wire.VARIABLE, None)


class Manager:
    """Who is to be told how the services fare.

    The address is kept: it leaves the environment when all is ready, so that
    nobody else uses it.

    :param address: where to send to, as in ``NOTIFY_SOCKET``.
    :raises ValueError: a variable that systemd sets has no meaning.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        seconds = watchdog.interval(os.environ)
        self._watchdog = None if seconds is None else watchdog.Watchdog(seconds)
        self._notices = Notices(os.getpid(), self._watchdog)
        self._outbox: collections.deque[str] = collections.deque(maxlen=_KEPT)
        self._send_at: float | None = None
        self._failing = False
        self._announced = False
        self._hungry = False
        self._readings = 0
        self._counted: weakref.WeakKeyDictionary[Host | Workforce, int] = (
            weakref.WeakKeyDictionary()
        )

    def ready(self, units: Units, now: float, tell: Callable[..., object]) -> None:
        """Tell that everything has started, or is done with a reload.

        :param tell: says the first time that the service is ready, and what it
            is called with besides; False: it could not.
        """
        lines = self._notices.ready(self._facts(units, now), now)
        if not lines:
            return
        if not self._announced:
            self._announced = True
            self._ask(units, now)
            if tell(*lines[1:]) is not False:
                return
            self._failing = True  # which has been logged
        self._post(lines)
        self._send(now)

    def tell(self, units: Units, now: float) -> bool:
        """Tell what has changed.

        :returns: whether the services have begun to read their configuration
            again: :meth:`ready` is due when they are done.
        """
        facts = self._facts(units, now)
        reloads = self._notices.reloads(facts)
        for lines in self._notices.advance(facts, now):
            self._post(lines)
            if lines == [FEED]:
                self._ask(units, now)
        self._report_hunger(units, now)
        self._send(now)
        return reloads

    def end(self, units: Units, now: float) -> None:
        """Tell, before an end by force, that this is one."""
        facts = dataclasses.replace(self._facts(units, now), stopping=True)
        for lines in self._notices.advance(facts, now):
            self._post(lines)
        self._send(now)

    @property
    def deadline(self) -> float | None:
        """When :meth:`tell` has more to do even if nothing happens."""
        due = [
            one for one in (self._notices.deadline, self._send_at) if one is not None
        ]
        return min(due, default=None)

    # What is the case

    def _facts(self, units: Units, now: float) -> Facts:
        running = [unit for unit in units if not unit.ended.is_set()]
        stopping = bool(units) and all(unit.stopping for unit in units)
        restarts = any(isinstance(unit, Host) and unit.restarts for unit in running)
        return Facts(
            workers=sum(unit.workers for unit in running),
            places=sum(unit.places for unit in running),
            restarts=sum(
                one.replacements for one in units if isinstance(one, Workforce)
            ),
            readings=self._count_readings(units),
            draining=bool(running) and (stopping or restarts),
            stopping=stopping,
            healthy=not _silent(running, now),
        )

    def _count_readings(self, units: Units) -> int:
        """Count how often they were told; those that have gone by now, too."""
        for unit in units:
            self._readings += unit.readings - self._counted.get(unit, 0)
            self._counted[unit] = unit.readings
        return self._readings

    # The watchdog

    def _ask(self, units: Units, now: float) -> None:
        """Have the workers answer until it is to be fed the next time."""
        if self._watchdog is not None:
            for unit in units:
                if isinstance(unit, Workforce):
                    unit.ask(now)

    def _report_hunger(self, units: Units, now: float) -> None:
        hungry = self._watchdog is not None and self._watchdog.withheld
        if hungry and not self._hungry:
            LOG.error(
                "systemd's watchdog is not fed as long as there is no answer from: %s",
                ", ".join(_silent(units, now)),
            )
        elif self._hungry and not hungry:
            LOG.warning("systemd's watchdog is fed again")
        self._hungry = hungry

    # Sending

    def _post(self, lines: list[str]) -> None:
        message = "\n".join(lines)
        if not self._outbox or self._outbox[-1] != message:
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


def _silent(units: Units, now: float) -> list[str]:
    return [
        name
        for unit in units
        if isinstance(unit, Workforce)
        for name in unit.silent(now)
    ]
