# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a worker is to be: all that starting one takes."""

import dataclasses
from collections.abc import Callable
from typing import Any

from oslo_service._common.records import Record
from oslo_service.backend.base import Driver
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.workers.channel import ControlPipes

__all__ = ("Prepare", "StartMethod", "WorkerPlan")

#: Does what a worker needs before its service is started. Can be pickled.
Prepare = Callable[[Any, Driver, Settings], object]


class WorkerPlan(Record):
    """What a worker runs, and on what.

    :ivar driver: what its tasks are made of.
    :ivar settings: its configuration, and what SIGHUP does.
    :ivar prepare: called in the worker, with the service, before it starts.
    :ivar service: what it runs.
    :ivar name: what it runs, in the words of a log.
    :ivar reset: whether to call the service's ``reset()`` before its ``start()``.
    :ivar ready_anyway: whether a ``start()`` that does not return counts as done after
        a while; its parent has a limit of its own for it otherwise.
    :ivar wrapper: what the launcher knows it by; a worker has no use for it.
    """

    driver: Driver
    settings: Settings
    prepare: Prepare
    service: Any
    name: str
    reset: bool = False
    ready_anyway: bool = True
    wrapper: Any = None

    def __str__(self) -> str:
        return self.name

    def adapted(self, *, reset: bool, ready_anyway: bool) -> "WorkerPlan":
        """Return the plan of one worker."""
        if (reset, ready_anyway) == (self.reset, self.ready_anyway):
            return self  # each page that is written to between forks is copied
        return dataclasses.replace(self, reset=reset, ready_anyway=ready_anyway)


#: A start method: starts a worker by its plan, and returns its pid. The worker
#: closes the parent's end of the pipes.
#:
#: :raises OSError: the system has no room for another process.
StartMethod = Callable[[WorkerPlan, ControlPipes], int]
