# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Crash loops: how long a slot waits for its next worker, and when to give up.

Times are monotonic, in seconds, and always given by the caller.
"""

from oslo_service.supervisor.workers.limits import Limits
from oslo_service.supervisor.workers.slots import Slot, Worker, pause

__all__ = ("count_death", "is_exhausted", "note_loss")

#: So many deaths in a row, each of them early, are a crash loop.
CRASHES = 3
#: A death within so many seconds after the worker was ready is early.
EARLY = 1.0

_SIGKILLED = -9


def count_death(worker: Worker, status: int | None, now: float) -> float:
    """Record that a worker has died unexpectedly, in its slot.

    :returns: how long the slot stays empty; 0.0: it is no crash loop.
    """
    slot = worker.slot
    if worker.ready_at is None:
        early = True
    else:
        early = now - worker.ready_at < EARLY and status != _SIGKILLED
    slot.crashes = slot.crashes + 1 if early else 0
    seconds = 0.0
    if slot.crashes >= CRASHES:
        seconds = pause(slot.crashes - CRASHES + 1)
    slot.not_before = now + seconds
    return seconds


def note_loss(slot: Slot, limits: Limits, now: float) -> None:
    """Record that a slot has to have its worker replaced, which nobody ordered."""
    slot.losses.append(now)
    loops = slot.exhausted and slot.crashes >= CRASHES
    slot.exhausted = _is_over(slot, limits, now) or loops


def is_exhausted(slot: Slot, limits: Limits, now: float) -> bool:
    """Whether a slot has lost its worker too often, and has none that is ready.

    In the window; or before, and it is in that crash loop still: its pauses have
    become longer than the window by then.
    """
    if not limits.restart_limit or _serves(slot):
        return False
    return _is_over(slot, limits, now) or slot.exhausted


def _is_over(slot: Slot, limits: Limits, now: float) -> bool:
    if not limits.restart_limit:
        slot.losses.clear()
        return False
    while slot.losses and slot.losses[0] <= now - limits.restart_window:
        slot.losses.popleft()
    return len(slot.losses) > limits.restart_limit


def _serves(slot: Slot) -> bool:
    # However new it is: should it die, it is looked at again.
    return slot.current is not None and slot.current.ready_at is not None
