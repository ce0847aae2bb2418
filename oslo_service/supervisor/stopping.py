# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Whether this process stops: asked by what must not begin then."""

from collections.abc import Callable

from oslo_service._common.fork_safety import PerProcess
from oslo_service.supervisor import interpreter_exit

__all__ = ("ask", "is_stopping")


def _never() -> bool:
    return False


_exiting = PerProcess(lambda: False)
_asked: PerProcess[Callable[[], bool]] = PerProcess(lambda: _never)


def is_stopping() -> bool:
    """Whether all that was launched in this process has been told to stop.

    When it has ended, the program may go on, until the interpreter ends: but none of
    the tasks from before, unless something is launched again.
    """
    return _exiting.get() or _asked.get()()


def ask(whether: Callable[[], bool]) -> None:
    """Have somebody asked whether the process stops."""
    _asked.set(whether)
    interpreter_exit.call_first(_note_exit)


def _note_exit() -> None:
    _exiting.set(True)
