# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Telling the parent something, and asking it, from anywhere in a worker."""

from typing import Any

from oslo_service.supervisor import current

__all__ = ("Unheard", "ask_parent", "tell")


class Unheard(Exception):
    """The parent cannot be asked, or has not answered in time."""


def tell(name: str, value: Any) -> bool:
    """Tell the parent something; non-blocking, and thread-safe.

    Where the process is nobody's worker it tells itself.

    :param name: what it is called; see :func:`.registry.hear`.
    :param value: what JSON can be, or bytes.
    :returns: whether there is anybody to tell.
    """
    supervisor = current.known()
    return supervisor is not None and supervisor.exchange.tell(name, value)


def ask_parent(name: str, value: Any, seconds: float) -> Any:
    """Tell the parent something, and return what it replies; blocks the task.

    Not for whoever turns the supervisor, who would wait for itself.

    :param name: what it is called; see :func:`.registry.hear`.
    :param value: what JSON can be, or bytes.
    :param seconds: how long to wait.
    :raises Unheard: nobody can be asked, or there is no reply in time.
    """
    supervisor = current.known()
    if supervisor is None:
        raise Unheard("nothing is launched in this process")
    replied = supervisor.driver.event()
    replies: list[Any] = []

    def take(reply: Any) -> None:
        replies.append(reply)
        replied.set()

    give_up = supervisor.exchange.ask_parent(name, value, take)
    if give_up is None:
        raise Unheard("this worker was started without a way to tell its parent")
    try:
        if not replied.wait(seconds):
            raise Unheard(f"the parent has not answered within {seconds:g} s")
    finally:
        give_up()
    return replies[0]
