# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What all workers of a pool write to: their reports, answers and stacks."""

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from oslo_service._common import lazy_imports
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.workers.channel import ControlPipes, Reports
from oslo_service.supervisor.workers.stacks import Stacks

if TYPE_CHECKING:
    from oslo_service.supervisor.exchange import pipe
else:
    pipe = lazy_imports.module("oslo_service.supervisor.exchange.pipe")

__all__ = ("SharedPipes",)


class SharedPipes:
    """What the workers of a pool have in common, in their parent.

    :param system: the unpatched module ``os``.
    :ivar reports: what they say.
    :ivar answers: what they answer, and tell; None: nobody asks.
    """

    def __init__(self, system: ModuleType) -> None:
        self._os = system
        self.reports = Reports(system)
        self.answers: pipe.AnswersPipe | None = None
        self._stacks = Stacks.make()
        self._closed = False

    def to(self, number: int) -> ControlPipes:
        """Return all that is between the parent and a new worker.

        :param number: the worker's.
        :raises OSError: no descriptor can be had.
        """
        if self.answers is None and registry.is_wanted():
            self.answers = pipe.AnswersPipe(self._os)
        return ControlPipes(
            *(self._os, number, self.reports, self._stacks, self.answers)
        )

    def filenos(self) -> Iterator[int]:
        """Return the descriptors to wait for until they can be read."""
        yield self.reports.fileno()
        if self.answers is not None:
            yield self.answers.fileno()

    def close(self) -> None:
        """Close what all workers share: there are none left. Idempotent."""
        if not self._closed:
            self._closed = True
            self.reports.close()
            if self.answers is not None:
                self.answers.close()
            self._stacks.close()
