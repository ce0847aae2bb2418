# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Health checks: what the code of a service reports of its dependencies.

Each process has its own. It tells its parent when one changes; the parent asks for all
of them when somebody asks for the health.
"""

import logging
import time
from typing import Any

from oslo_service._common import clock
from oslo_service._common.fork_safety import PerProcess
from oslo_service._common.records import Record
from oslo_service.supervisor.exchange import to_parent
from oslo_service.supervisor.exchange.inquiries import Respondent

__all__ = (
    "KIND",
    "STATUSES",
    "TTL",
    "Check",
    "answer",
    "forget",
    "hear",
    "known",
    "of_process",
    "record",
)

# The name of the module that users import: they configure its log.
LOG = logging.getLogger("oslo_service.health")

#: The default time to live of a check, in seconds.
TTL = 300.0

#: The statuses of a check, the worst last.
STATUSES = ("pass", "warn", "fail")
#: The name of the question for the checks of a process, and of what it tells.
KIND = "health"


class Check(Record):
    """The latest result of a check.

    :ivar name: that of the dependency.
    :ivar ok: whether it was well.
    :ivar detail: what else is known, for people.
    :ivar time: when it was recorded, in seconds since the epoch.
    :ivar at: the same, in monotonic seconds, which processes of a machine share.
    :ivar ttl: its time to live, in seconds; 0: no limit.
    """

    name: str
    ok: bool
    detail: str
    time: float
    at: float
    ttl: float

    def is_stale(self, now: float) -> bool:
        """Whether it is older than its time to live.

        :param now: monotonic seconds.
        """
        return bool(self.ttl) and now > self.at + self.ttl

    def status(self, now: float) -> str:
        """Return ``pass``, ``warn`` or ``fail``."""
        if self.is_stale(now):
            return "warn"
        return "pass" if self.ok else "fail"


class _Value:
    """The latest result of a check, changed in place, as that happens often."""

    __slots__ = ("at", "detail", "often", "ok", "since", "told", "ttl")

    ok: bool
    detail: str
    ttl: float
    at: float

    def __init__(self) -> None:
        # What the parent was told last. When the current second began, and how often
        # it was told in it.
        self.told: bool | None = None
        self.since = 0.0
        self.often = 0

    def is_news(self) -> bool:
        """Whether the parent is to be told; if so, it counts as told.

        What changes all the time is told again when the current second is over.
        """
        if self.ok is self.told:
            return False
        if self.at >= self.since + 1.0:
            self.since, self.often = self.at, 0
        self.often += 1
        if self.often > _OFTEN:
            return False
        self.told = self.ok
        return True

    def as_check(self, name: str) -> Check:
        """Return it as a record."""
        wall = time.time() - (clock.now() - self.at)
        return Check(name, self.ok, self.detail, wall, self.at, self.ttl)


# How many changes are told in a second: a check that fails every other time would
# keep the parent busy.
_OFTEN = 5

_values: PerProcess[dict[str, _Value]] = PerProcess(dict)


def record(name: str, ok: bool, detail: str, ttl: float) -> None:
    """Record a result; tell the parent, and the log, if it has changed.

    :param name: that of the dependency.
    :param ok: whether it is well.
    :param detail: what else is known, for people.
    :param ttl: its time to live, in seconds; 0: no limit.
    """
    values = _values.get()
    value = values.get(name) or values.setdefault(name, _Value())
    value.ok, value.detail, value.ttl, value.at = ok, detail, ttl, clock.now()
    before = value.told
    if value.is_news():
        to_parent.tell(KIND, vars(value.as_check(name)))
        _log(name, value, before)


def _log(name: str, value: _Value, before: bool | None) -> None:
    if not value.ok:
        LOG.warning("The check %s fails: %s", name, value.detail or "no details")
    elif before is not None:
        LOG.info("The check %s passes again", name)


def of_process() -> list[Check]:
    """Return the checks of this process."""
    return [value.as_check(name) for name, value in list(_values.get().items())]


def answer() -> list[dict[str, Any]]:
    """Return the checks of this process, as JSON can be."""
    return [vars(one) for one in of_process()]


# In the parent

_told: PerProcess[dict[Respondent, dict[str, Check]]] = PerProcess(dict)


def hear(sender: Respondent, value: Any) -> None:
    """Record a check that a worker tells."""
    check = Check(**value)
    _told.get().setdefault(sender, {})[check.name] = check


def forget(worker: Respondent) -> None:
    """Forget the checks of a worker that has ended."""
    _told.get().pop(worker, None)


def known(respondent: Respondent, answered: Any) -> list[Check]:
    """Return the checks of a process: its answer, else what it has told.

    :param respondent: the process.
    :param answered: its answer; None: it has not answered.
    """
    if answered is None:
        return list(_told.get().get(respondent, {}).values())
    return [Check(**one) for one in answered]
