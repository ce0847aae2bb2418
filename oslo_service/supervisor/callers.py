# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who gives an order: whether that task may wait until it is carried out."""

from oslo_service import backend
from oslo_service.supervisor import signals
from oslo_service.supervisor.turn import Turn

__all__ = ("may_wait",)


def may_wait(turn: Turn) -> bool:
    """Whether the calling task may wait for what others do.

    Not who has the turn, nor any task of this library, nor a signal handler: what
    it would wait for might wait for it.
    """
    return not (turn.held_here or _is_ours() or signals.in_handler())


def _is_ours() -> bool:
    return any(
        task.ident == driver.current_ident()
        for driver in backend.in_use()
        for task in list(driver.running)
    )
