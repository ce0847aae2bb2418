# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the state of the services says is to be done."""

import dataclasses

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


@dataclasses.dataclass(frozen=True)
class SetTimeout:
    """Arm the shutdown time-out; or disarm it: what had to end has ended."""

    armed: bool


@dataclasses.dataclass(frozen=True)
class Begin:
    """Make a task for an incarnation, and call ``start()`` in it."""

    incarnation: Incarnation


@dataclasses.dataclass(frozen=True)
class Call:
    """Have the task of an incarnation call this method."""

    incarnation: Incarnation
    method: str


@dataclasses.dataclass(frozen=True)
class Leave:
    """Have the task of an incarnation end."""

    incarnation: Incarnation


@dataclasses.dataclass(frozen=True)
class Stop:
    """Call ``stop()``, unless ``start()`` can still be prevented."""

    incarnation: Incarnation


@dataclasses.dataclass(frozen=True)
class Reset:
    """Call ``reset()``, in a task of its own."""

    incarnation: Incarnation


@dataclasses.dataclass(frozen=True)
class Read:
    """Read the configuration again."""


@dataclasses.dataclass(frozen=True)
class End:
    """Everything has ended."""


Action = SetTimeout | Begin | Call | Leave | Stop | Reset | Read | End
