# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the state of the services says is to be done."""

from oslo_service._common.records import Record
from oslo_service.supervisor.services.incarnation import Incarnation

__all__ = (
    "Action",
    "Begin",
    "Call",
    "End",
    "Leave",
    "Read",
    "Reset",
    "SetTimeout",
    "Stop",
)


class SetTimeout(Record):
    """Arm the shutdown time-out; or disarm it: what had to end has ended."""

    armed: bool


class Begin(Record):
    """Make a task for an incarnation, and call ``start()`` in it."""

    incarnation: Incarnation


class Call(Record):
    """Have the task of an incarnation call this method."""

    incarnation: Incarnation
    method: str


class Leave(Record):
    """Have the task of an incarnation end."""

    incarnation: Incarnation


class Stop(Record):
    """Call ``stop()``, unless ``start()`` can still be prevented."""

    incarnation: Incarnation


class Reset(Record):
    """Call ``reset()``, in a task of its own."""

    incarnation: Incarnation


class Read(Record):
    """Read the configuration again."""


class End(Record):
    """Everything has ended."""


Action = SetTimeout | Begin | Call | Leave | Stop | Reset | Read | End
