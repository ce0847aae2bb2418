# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Ending the threads of a group, and saying which of them linger."""

import logging

from oslo_service._common import clock
from oslo_service.backend.base import Driver
from oslo_service.groups.members import Members, discard, others
from oslo_service.groups.thread import Thread, ask_to_stop

__all__ = ("cancel_threads", "stop_threads")

# What users know of: the log of their groups.
LOG = logging.getLogger("oslo_service.threadgroup")

# How long it is watched whether what was stopped does end, in seconds, before
# what lingers is named.
_LINGER = 0.1


def stop_threads(driver: Driver, members: Members) -> None:
    """End the threads, and send away who waits to add one."""
    members.slots.cancel_waiting()
    _let_go(members)
    threads = members.own()
    ended = others(threads, driver.current_ident())
    for thread in threads:
        if thread in ended:
            thread.stop()
        else:  # the caller: asked, and never killed by itself
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
    """Forget the threads that the group has not started: it cannot end them."""
    foreign = members.foreign()
    for thread in foreign:
        discard(members.threads, thread)
    if foreign:
        names = ", ".join(thread.name for thread in foreign)
        LOG.warning("Threads that the group cannot stop run on: %s", names)


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
