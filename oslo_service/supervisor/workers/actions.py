# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the state machine of a worker pool has its parent do."""

import enum

from oslo_service._common.records import Record
from oslo_service.supervisor.limits import Limits
from oslo_service.supervisor.workers.slots import Slot, Worker

__all__ = ("Action", "GiveUp", "Kill", "Order", "OrderKind", "Start", "Throttled")


class OrderKind(enum.Enum):
    """What a parent can tell a worker."""

    STOP = b"S"
    MUTATE = b"M"
    ANSWER = b"?"
    #: The program ends, and nobody has waited for its launcher.
    UNAWAITED = b"U"


class Start(Record):
    """Start this worker."""

    worker: Worker
    reset: bool


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


Action = GiveUp | Start | Order | Kill | Throttled
