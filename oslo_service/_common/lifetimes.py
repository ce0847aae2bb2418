# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How often what a process has launched has ended, and which loops are from before."""

import contextvars

from oslo_service._common.process_state import PerProcess

__all__ = ("begin_loop", "is_left_over", "note_end")

# How often all that was launched has been stopped, and has ended; and how often it had
# when the loop began whose context this is.
_ends = PerProcess(int)
_ends_before: contextvars.ContextVar[int] = contextvars.ContextVar("ends_before")


def begin_loop() -> None:
    """Note in the context of a loop when it has begun."""
    _ends_before.set(_ends.get())


def note_end() -> None:
    """Note that all that was launched has been stopped, and has ended."""
    _ends.set(_ends.get() + 1)


def is_left_over() -> bool:
    """Whether the caller is a loop from before the last such end."""
    ends = _ends.get()
    return _ends_before.get(ends) < ends
