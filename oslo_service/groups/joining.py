# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Waiting for the members of a group, also from inside it."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from oslo_service.backend.base import Driver
from oslo_service.groups.members import Members, others, task_of
from oslo_service.groups.thread import Thread

__all__ = ("wait_for", "wait_until_empty")


def wait_for(driver: Driver, members: Members, wanted: list[Any]) -> None:
    """Block until some members have ended, or need not be waited for any more.

    :param driver: that of the group.
    :param members: all members.
    :param wanted: those to wait for.
    """
    with _waiting(driver, members):
        for one in others(wanted, driver.current_ident()):
            task = task_of(one)
            if task is not None:
                counts = functools.partial(_counts, members, one)
                members.waits.wait_while(driver, task, counts)


def wait_until_empty(
    driver: Driver, members: Members, wanted: Callable[[], list[Any]]
) -> None:
    """Block until all have ended, also those that are added meanwhile.

    :param driver: that of the group.
    :param members: all members.
    :param wanted: returns the members to wait for that there are now.
    """
    counts = functools.partial(_counts, members)
    with _waiting(driver, members):
        while any(map(counts, now := wanted())):
            wait_for(driver, members, now)


def _counts(members: Members, member: Any) -> bool:
    """Whether to wait for a member: not for the caller either, which waits itself."""
    task = task_of(member)
    if task is None or task.done or members.waits.holds(task):
        return False
    return not (isinstance(member, Thread) and member.stop_ordered)


def _waiting(
    driver: Driver, members: Members
) -> contextlib.AbstractContextManager[None]:
    """Record that the caller waits for others, for the time of a context."""
    return members.waits.by(members.identity(driver.current_ident()))
