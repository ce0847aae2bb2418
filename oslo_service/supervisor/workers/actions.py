# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The actions of the state machine of a worker pool: what the parent is to do."""

import enum

from oslo_service._common.records import Record
from oslo_service.supervisor.events import Cause
from oslo_service.supervisor.workers.limits import Limits
from oslo_service.supervisor.workers.slots import Slot, Worker

__all__ = (
    "Action",
    "Adopt",
    "Kill",
    "Measure",
    "Order",
    "OrderKind",
    "ReportCrashLoop",
    "ReportGivenUp",
    "ReportHung",
    "ReportLate",
    "ReportRecycling",
    "ReportRollFailed",
    "ReportRollbackFailed",
    "Start",
    "TakeStacks",
)


class OrderKind(enum.Enum):
    """The orders that a parent can give a worker."""

    STOP = b"S"
    MUTATE = b"M"
    ANSWER = b"?"
    #: The program ends, and nobody has waited for its launcher.
    UNAWAITED = b"U"


class Start(Record):
    """Start a worker.

    :ivar reset: whether it follows a reload.
    :ivar ahead: whether it gets the new configuration, which is not adopted yet.
    :ivar successor: whether the worker before it serves until it is ready.
    """

    worker: Worker
    reset: bool
    ahead: bool = False
    successor: bool = False


class Order(Record):
    """Give a worker an order."""

    worker: Worker
    kind: OrderKind


class Kill(Record):
    """End a worker by force.

    :ivar late: whether that is because it is past its limit.
    """

    worker: Worker
    late: bool


class ReportCrashLoop(Record):
    """Report that a slot is in a crash loop, and stays empty for a while.

    :ivar pause: how long, in seconds.
    """

    slot: Slot
    pause: float


class ReportGivenUp(Record):
    """Report that every slot of a service has lost its worker too often.

    :ivar slot: the last of them.
    """

    slot: Slot
    limits: Limits


class Adopt(Record):
    """Take the new configuration for this process's own: every worker has it."""


class ReportRollFailed(Record):
    """Report that a rolling reload has failed, because of this worker."""

    worker: Worker


class ReportRollbackFailed(Record):
    """Report that a slot cannot be rolled back, because of this worker."""

    worker: Worker


class ReportLate(Record):
    """Report that a successor was not ready in time.

    :ivar seconds: how long that was.
    """

    worker: Worker
    seconds: float


class ReportRecycling(Record):
    """Report that a worker is about to be recycled."""

    worker: Worker
    cause: Cause


class Measure(Record):
    """Measure the memory of the workers."""


class TakeStacks(Record):
    """Have a worker that hangs write its stacks."""

    worker: Worker


class ReportHung(Record):
    """Report that a worker hangs, with its stacks."""

    worker: Worker


Action = (
    Adopt
    | ReportGivenUp
    | TakeStacks
    | Kill
    | ReportLate
    | Measure
    | Order
    | ReportRecycling
    | ReportHung
    | ReportRollFailed
    | ReportRollbackFailed
    | Start
    | ReportCrashLoop
)
