# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The life of a worker, from its first instruction to its last."""

import atexit
import functools
import logging
import os
from collections.abc import Callable
from typing import Any, NoReturn

from oslo_service import backend
from oslo_service.backend.base import Driver
from oslo_service.sockets import activation
from oslo_service.supervisor import loop, signals
from oslo_service.supervisor.settings import Settings
from oslo_service.supervisor.shutdown_timeout import flush_streams
from oslo_service.supervisor.systemd import notifier
from oslo_service.supervisor.workers import process
from oslo_service.supervisor.workers.channel import Line
from oslo_service.supervisor.workers.parent_link import Uplink

__all__ = ("Prepare", "fork", "listen_to_parent", "live", "run")

LOG = logging.getLogger(__name__)

#: Does what a worker needs before its service is started. Can be pickled.
Prepare = Callable[[Any, Driver, Settings], object]


def fork(
    driver: Driver,
    settings: Settings,
    prepare: Prepare,
    spec: Any,
    reset: bool,
    line: Line,
) -> int:
    """Start a worker as a fork of this process.

    :param prepare: called in the worker, with the service, before it starts.
    :param spec: has the service, as ``service``.
    :returns: its pid.
    """
    parent = os.getpid()

    def main(mask: set[Any]) -> None:
        line.parents_end.close()
        work = functools.partial(
            live, driver, spec.service, settings, mask, prepare, reset=reset
        )
        activation.inherit(parent)
        uplink = Uplink(line.workers_end, parent, line.stacks)
        run(functools.partial(_live_forked, driver, uplink, work))

    return process.fork(main, parallel=driver.capabilities.parallel)


def _live_forked(driver: Driver, uplink: Uplink, work: Callable[[], int]) -> int:
    atexit._clear()
    signals.of_process().start_over()
    loop.abandon()
    for one in {driver, *backend.in_use()}:
        one.after_fork()
    listen_to_parent(driver, uplink)
    return work()


def listen_to_parent(driver: Driver, uplink: Uplink) -> None:
    """Make this process's supervisor one that has a parent."""
    notifier.forget()
    supervisor = loop.Supervisor(driver, uplink)
    loop.replace(supervisor)


def live(
    driver: Driver,
    service: Any,
    settings: Settings,
    mask: set[Any],
    prepare: Prepare,
    *,
    reset: bool,
) -> int:
    """Run a service until it is told to stop.

    :param mask: the signals to block; so far, all that are handled have been:
        before there is a runner, one would be lost, or fatal.
    :param prepare: called before the service is started.
    :returns: the exit status.
    """
    supervisor = loop.of_process(driver)
    runner = supervisor.add_runner(settings)
    signals.unblock(mask)
    prepare(service, driver, settings)
    supervisor.post(lambda: runner.add(service, reset=reset))
    return supervisor.wait_for(runner)


def run(work: Callable[[], int]) -> NoReturn:
    """Do what a worker does, and leave, without what its parent would do then.

    Exit handlers that were registered in the worker run; threads that have
    not ended are not waited for.

    :param work: gives the exit status.
    """
    status = 1
    try:
        status = work()
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else 1
    except BaseException:
        LOG.exception("The worker failed")
    try:
        atexit._run_exitfuncs()
        logging.shutdown()
    except BaseException:  # noqa: BLE001 - nothing may keep it from leaving
        status = status or 1
    finally:
        flush_streams()
        os._exit(status)
