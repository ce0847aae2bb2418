# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Checks: what the code of a service has found of what it depends on.

Each process has its own. Its parent is told when one changes, and asks for all of
them when somebody wants to know.
"""

import logging
import time
from typing import Any

from oslo_service._common import clock
from oslo_service._common.process_state import PerProcess
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

# What users know of: the log of their checks.
LOG = logging.getLogger("oslo_service.health")

#: How long a value counts, in seconds, where nobody says so.
TTL = 300.0

#: What a check can say; the worst comes last.
STATUSES = ("pass", "warn", "fail")
#: What is told, and asked.
KIND = "health"


class Check(Record):
    """What was found last.

    :ivar name: of what.
    :ivar ok: whether it was well.
    :ivar detail: what there is to say.
    :ivar time: when it was found, in seconds since the epoch.
    :ivar at: likewise, in monotonic seconds, which processes of a machine share.
    :ivar ttl: for how many seconds it counts; 0: for ever.
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
    """What was found last: changed in place, as that is done often."""

    __slots__ = ("at", "detail", "often", "ok", "since", "told", "ttl")

    ok: bool
    detail: str
    ttl: float
    at: float

    def __init__(self) -> None:
        # What has been told last; how often it was since then, in a second.
        self.told: bool | None = None
        self.since = 0.0
        self.often = 0

    def is_news(self) -> bool:
        """Whether it is another than was told; if so, it counts as told.

        What changes all the time is told again when that second is over.
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
        """Return it as it is told."""
        wall = time.time() - (clock.now() - self.at)
        return Check(name, self.ok, self.detail, wall, self.at, self.ttl)


# So many times in a second a change is told: what fails every other time would keep
# the parent busy.
_OFTEN = 5

_values: PerProcess[dict[str, _Value]] = PerProcess(dict)


def record(name: str, ok: bool, detail: str, ttl: float) -> None:
    """Record what was found; tell the parent where it is another than before."""
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
    """Return what was found in this process."""
    return [value.as_check(name) for name, value in list(_values.get().items())]


def answer() -> list[dict[str, Any]]:
    """Return what was found in this process, as it is answered."""
    return [vars(one) for one in of_process()]


# In the parent

_told: PerProcess[dict[Respondent, dict[str, Check]]] = PerProcess(dict)


def hear(sender: Respondent, value: Any) -> None:
    """Record what a worker tells."""
    check = Check(**value)
    _told.get().setdefault(sender, {})[check.name] = check


def forget(worker: Respondent) -> None:
    """Forget what a worker has told, which has ended."""
    _told.get().pop(worker, None)


def known(respondent: Respondent, answered: Any) -> list[Check]:
    """Return the checks of a process: what it answers, else what it has told.

    :param answered: its answer; None: there is none.
    """
    if answered is None:
        return list(_told.get().get(respondent, {}).values())
    return [Check(**one) for one in answered]
