# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers that begin as a fork of their parent."""

import gc
import os
import sys
import threading
from typing import Any, NoReturn

from oslo_service import backend
from oslo_service._common import streams
from oslo_service._common.careful_log import CarefulLog
from oslo_service._common.fork_safety import Inherited, PerProcess
from oslo_service.sockets import activation
from oslo_service.supervisor import current, faulthandler_timer, forks, signals
from oslo_service.supervisor.workers import finalization, worker
from oslo_service.supervisor.workers.channel import Channel, ControlPipes
from oslo_service.supervisor.workers.parent_link import ParentLink
from oslo_service.supervisor.workers.plan import WorkerPlan
from oslo_service.supervisor.workers.process import own_pidfd

__all__ = ("fork", "prepare")

LOG = CarefulLog(__name__)

# The names of the threads of which it has been said that a worker has them not.
_warned_of: Inherited[set[str]] = Inherited(set)
# Whether the objects of the process have been frozen.
_frozen = PerProcess(lambda: False)


def prepare() -> None:
    """Have what follows be done so that workers can share it: before the first fork.

    Python 3.11 has a cache of attributes, full of what imports have looked up. Of each
    entry that a worker replaces, it would write to the name that was there, and so copy
    a page. Later versions do not count references to names.
    """
    if sys.version_info < (3, 12):
        sys._clear_type_cache()


def fork(plan: WorkerPlan, pipes: ControlPipes) -> int:
    """Start a worker as a fork of this process; return its pid.

    The signals that are handled are blocked in the worker: before it has
    handlers of its own, one would be taken for its parent's.

    :raises OSError: the system has no room for another process.
    """
    alone = faulthandler_timer.native_threads() == 1
    if not alone and plan.driver.capabilities.parallel:
        _report_threads()
    streams.flush()
    _freeze()
    parent, pidfd = os.getpid(), own_pidfd()
    mask = signals.of_process().block()
    try:
        pid = forks.fork_worker()
        if pid == 0:
            _begin(plan, pipes, parent, pidfd, mask, alone=alone)
    finally:
        signals.unblock(mask)
    return pid


def _begin(
    plan: WorkerPlan,
    pipes: ControlPipes,
    parent: int,
    pidfd: int | None,
    mask: set[Any],
    *,
    alone: bool,
) -> NoReturn:
    """Live and end here: what returned, or raised, would be a second parent."""
    try:
        if not alone:  # else nobody has held them
            streams.renew()
        channel = pipes.leave_to_parent()
        link = ParentLink(channel, parent, pipes.stacks, pidfd)
        _be_worker(plan, link, channel, mask)
    except BaseException:
        LOG.exception("A worker could not begin")
    finally:
        os._exit(1)


def _be_worker(
    plan: WorkerPlan, link: ParentLink, channel: Channel, mask: set[Any]
) -> NoReturn:
    """Leave to the parent what is its own, live and end."""

    def live() -> int:
        activation.inherit(link.parent)
        finalization.begin()
        signals.of_process().start_over()
        current.leave()
        for one in {plan.driver, *backend.in_use()}:
            one.after_fork()
        return worker.live(plan, link, mask)

    worker.run(live, channel)


def _freeze() -> None:
    """Keep the garbage collector away from what there is, once in a process.

    In a worker, it would write to every object, and so copy every page that
    is shared with the parent; at the end, it would look at them all again.
    """
    if not _frozen.get():
        _frozen.set(True)
        gc.freeze()


def _report_threads() -> None:
    """Warn once of the native threads that do not come along."""
    if threading.active_count() == 1:
        return
    others = {
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.current_thread()
    }
    warned_of = _warned_of.get()
    if not others <= warned_of:
        warned_of.update(others)
        LOG.warning(
            "A worker is forked while other threads run, which it will not have; a"
            " lock that they hold stays locked in it: %s",
            ", ".join(sorted(others)),
        )
