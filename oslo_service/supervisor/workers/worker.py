# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The life of a worker, however it was started."""

import os
from collections.abc import Callable
from typing import Any, NoReturn

from oslo_service._common import first_process, streams
from oslo_service._common.careful_log import CarefulLog
from oslo_service.supervisor import current, forks, loop, signals
from oslo_service.supervisor.systemd import wire
from oslo_service.supervisor.workers import finalization
from oslo_service.supervisor.workers.channel import LEAVING, Channel
from oslo_service.supervisor.workers.parent_link import ParentLink
from oslo_service.supervisor.workers.plan import WorkerPlan

__all__ = ("live", "run")

LOG = CarefulLog(__name__)


def live(plan: WorkerPlan, link: ParentLink, mask: set[Any]) -> int:
    """Run a service until it is told to stop; return the exit status.

    :param mask: the signals to block; so far, all that are handled have been:
        before there is a runner, one would be lost, or fatal.
    """
    forks.watch()
    plan.driver.here()
    if link.parent == 1:
        first_process.mark_worker()
    if plan.settings.limits.worker_timeout:
        link.offer_stacks()
    wire.forget()
    supervisor = loop.Supervisor(plan.driver, link)
    if not plan.ready_anyway:
        supervisor.reporter.be_patient()
    current.replace(supervisor)
    runner = supervisor.add_runner(plan.settings)
    signals.of_process().begin()
    signals.unblock(mask)
    plan.prepare(plan.service, plan.driver, plan.settings)
    supervisor.post(lambda: runner.add(plan.service, reset=plan.reset))
    status = supervisor.run(runner)
    exchange = supervisor.exchange_in_use()
    if exchange is not None:
        exchange.leave()
    return status


def run(work: Callable[[], int], channel: Channel) -> NoReturn:
    """Do what a worker does, and leave, without what its parent would do then.

    It is the end of a Python program: of :mod:`.finalization`. The shutdown time-out is
    armed all the while.

    :param work: returns the exit status.
    :param channel: to the parent.
    """
    status = 1
    try:
        status = work()
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 1
    except BaseException:
        LOG.exception("The worker failed")
    try:
        finalization.finish()
        streams.flush()
        if status == 0:
            channel.send(LEAVING)
    finally:
        os._exit(status)
