# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Stopping the threads of a group, and naming those that linger in the log."""

import logging

from oslo_service._common import clock
from oslo_service.backend.base import Driver
from oslo_service.groups.members import Members, discard, others
from oslo_service.groups.thread import Thread, ask_to_stop

__all__ = ("cancel_threads", "stop_threads")

# The name of the module that users import: they configure its log.
LOG = logging.getLogger("oslo_service.threadgroup")

# How long to wait for threads that were stopped, in seconds, before those that linger
# are named.
_LINGER = 0.1


def stop_threads(driver: Driver, members: Members) -> None:
    """Stop the threads, and send away the callers that wait to add one."""
    members.slots.cancel_waiting()
    _let_go(members)
    threads = members.own()
    ended = others(threads, driver.current_ident())
    for thread in threads:
        if thread in ended:
            thread.stop()
        else:  # the caller itself: asked to stop, and not killed
            ask_to_stop(thread)
    _report_lingering(ended)
    members.waits.notify()


def cancel_threads(
    driver: Driver, members: Members, timeout: float | None, *throw_args: object
) -> None:
    """Prevent what has not begun from beginning.

    :param timeout: seconds after which those that have begun are stopped; None
        leaves them alone.
    """
    members.slots.cancel_waiting()
    for thread in members.own():
        thread.cancel(*throw_args)
    if timeout is not None:
        begun = others(members.own(), driver.current_ident())
        stopped = _still_running(begun, timeout)
        for thread in stopped:
            thread.stop()
        _report_lingering(stopped)


def _let_go(members: Members) -> None:
    """Forget the threads that the group has not started: it cannot stop them."""
    foreign = members.foreign()
    for thread in foreign:
        discard(members.threads, thread)
    if foreign:
        names = ", ".join(thread.name for thread in foreign)
        LOG.warning("Threads that the group cannot stop keep running: %s", names)


def _report_lingering(threads: list[Thread]) -> None:
    lingering = _still_running(threads, _LINGER)
    if lingering:
        LOG.warning(
            "%d threads were stopped and still run: %s",
            len(lingering),
            ", ".join(repr(thread) for thread in lingering),
        )


def _still_running(threads: list[Thread], timeout: float) -> list[Thread]:
    """Wait for threads, and return those that have not ended in time (seconds)."""
    until = clock.now() + timeout
    for thread in threads:
        thread.task.join(max(0.0, until - clock.now()))
    return [thread for thread in threads if not thread.done]
