# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the state machine of a worker pool has its parent do."""

import enum

from oslo_service._common.records import Record
from oslo_service.supervisor.events import Cause
from oslo_service.supervisor.limits import Limits
from oslo_service.supervisor.workers.slots import Slot, Worker

__all__ = (
    "Action",
    "Adopt",
    "GiveUp",
    "Hung",
    "Kill",
    "Late",
    "Measure",
    "Order",
    "OrderKind",
    "Recycle",
    "ReportHung",
    "RollFailed",
    "RollbackFailed",
    "Start",
    "Throttled",
)


class OrderKind(enum.Enum):
    """What a parent can tell a worker."""

    STOP = b"S"
    MUTATE = b"M"
    ANSWER = b"?"
    #: The program ends, and nobody has waited for its launcher.
    UNAWAITED = b"U"


class Start(Record):
    """Start this worker.

    :ivar reset: whether it follows a reload.
    :ivar ahead: whether it is to have the configuration that is not adopted yet.
    :ivar successor: whether the one before serves until it is ready.
    """

    worker: Worker
    reset: bool
    ahead: bool = False
    successor: bool = False


class Order(Record):
    """Tell this worker."""

    worker: Worker
    kind: OrderKind


class Kill(Record):
    """End this worker by force; ``late``: because it is past its limit."""

    worker: Worker
    late: bool


class Throttled(Record):
    """Report that a slot is in a crash loop, and stays empty for a while."""

    slot: Slot
    pause: float


class GiveUp(Record):
    """Report that every slot of a service has lost its worker too often.

    :ivar slot: the last of them.
    """

    slot: Slot
    limits: Limits


class Adopt(Record):
    """Take the new configuration for this process's own: every worker has it."""


class RollFailed(Record):
    """Report that a rolling reload has failed, because of this worker."""

    worker: Worker


class RollbackFailed(Record):
    """Report that a slot does not get back what it had, because of this worker."""

    worker: Worker


class Late(Record):
    """Report that a successor was not ready in so many seconds."""

    worker: Worker
    seconds: float


class Recycle(Record):
    """Report that a worker is about to be recycled."""

    worker: Worker
    cause: Cause


class Measure(Record):
    """Measure the memory of the workers."""


class Hung(Record):
    """Have the stacks taken of a worker that hangs."""

    worker: Worker


class ReportHung(Record):
    """Report that it hangs, and where."""

    worker: Worker


Action = (
    Adopt
    | GiveUp
    | Hung
    | Kill
    | Late
    | Measure
    | Order
    | Recycle
    | ReportHung
    | RollFailed
    | RollbackFailed
    | Start
    | Throttled
)
