# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the parent decides for its workers: asking it, and answering them.

A process that is not a worker decides for itself.
"""

import logging
import weakref
from typing import Any

from oslo_service._common import clock as monotonic
from oslo_service._common.fork_safety import Inherited, OwnLock, PerProcess
from oslo_service.clustering import publishing
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Unreachable
from oslo_service.clustering.host_state import HostState
from oslo_service.loops import clock
from oslo_service.supervisor import current, events
from oslo_service.supervisor.exchange import registry, to_parent
from oslo_service.supervisor.exchange.inquiries import Respondent

__all__ = ("ask", "has_parent", "here", "prepare", "say_once", "tell")

LOG = logging.getLogger("oslo_service.cluster")

_NAME = "cluster"
# A message that is no fact about a worker, but something to write to the log.
_SAY = "say"
# How long a worker waits for its parent's decision, in seconds.
_PATIENCE = 5.0

# The key of this process itself, where it is not a worker.
_HERE = "this process"


class _Host:
    """What is decided in this process."""

    def __init__(self) -> None:
        self.state = HostState()
        self._guard = OwnLock()

    def act(self, who: object, name: str, arguments: list[Any]) -> Any:
        """Call a method of the state for a process; return its answer."""
        with self._guard:
            return getattr(self.state, name)(who, *arguments)

    def deadline(self) -> float | None:
        """Return when a lease is over; see :attr:`HostState.deadline`."""
        with self._guard:  # other threads of this process may ask at the same time
            return self.state.deadline

    def passed(self, now: float) -> Any:
        """Return what follows from the time; see :meth:`HostState.passed`."""
        with self._guard:
            return self.state.passed(now)


_host = PerProcess(_Host)
# Under a manual clock, what was decided by another clock has no meaning.
_by_clock: PerProcess[weakref.WeakKeyDictionary[clock.Clock, _Host]] = PerProcess(
    weakref.WeakKeyDictionary
)
_prepared = Inherited(lambda: False)


def _here() -> _Host:
    if type(clock.current) is clock.Clock:
        return _host.get()
    return _by_clock.get().setdefault(clock.current, _Host())


def prepare() -> None:
    """Have workers that are started from now on ask this process; idempotent."""
    registry.want()
    if not _prepared.get():
        _prepared.set(True)
        registry.hear(_NAME, _hear)
        registry.at_end_of_worker(_NAME, _forget)
        registry.enforce_deadline(_deadline, _pass)


_said: Inherited[set[str]] = Inherited(set)


def _hear(sender: Respondent, message: list[Any]) -> Any:
    """Answer a worker: called by the supervisor's loop, in its parent."""
    name, *arguments = message
    if name == _SAY:
        _say(*arguments)
        return None
    return _host.get().act(sender, name, arguments)


def say_once(text: str) -> None:
    """Write something to the log at INFO, once for all workers of a parent."""
    if text not in _said.get():
        _said.get().add(text)
        if not (has_parent() and to_parent.tell(_NAME, [_SAY, text])):
            LOG.info(text)


def _say(text: str) -> None:
    if text not in _said.get():
        _said.get().add(text)
        LOG.info(text)


def _forget(who: Respondent) -> None:
    """Release what a worker held that has ended, and report what it was running."""
    for one in _host.get().act(who, "gone", []):
        publishing.publish(
            events.DueTimeInterrupted(**_about(who), task=one.task, due_time=one.due)
        )


def _deadline() -> float | None:
    """Return when a lease of a worker ends, by the clock of the supervisor."""
    due = _host.get().deadline()
    return None if due is None else due - Clocks().since_boot() + monotonic.now()


def _pass(_now: float) -> None:
    """Act on the ends of leases: called by the supervisor's loop."""
    host = _host.get()
    kill, paused = host.passed(Clocks().since_boot())
    supervisor = current.known()
    for who in kill:
        if supervisor is not None and supervisor.kill_worker(who):
            publishing.publish(events.LeaderKilled(**_about(who)))
    for who, one in paused:
        publishing.publish(
            events.DueTimeInterrupted(
                **_about(who), task=one.task, due_time=one.due, paused=True
            )
        )


def _about(who: Respondent) -> dict[str, Any]:
    """Return the fields of an event that say which worker it is about."""
    return {"service": who.service, "worker": who.worker, "pid": who.pid}


def has_parent() -> bool:
    """Whether this process is a worker."""
    supervisor = current.known()
    return supervisor is not None and supervisor.has_parent


def here() -> object:
    """Return the object that decides in this process, as a key."""
    return _here()


def ask(name: str, *arguments: Any) -> Any:
    """Return what the parent decides; may block the task.

    :param name: the method of :class:`HostState` to call.
    :raises Unreachable: the parent does not answer.
    """
    if not has_parent():
        return _here().act(_HERE, name, list(arguments))
    try:
        return to_parent.ask_parent(_NAME, [name, *arguments], _PATIENCE)
    except to_parent.Unheard as exc:
        raise Unreachable(f"the parent process: {exc}") from None


def tell(name: str, *arguments: Any) -> None:
    """Tell the parent a fact; non-blocking.

    :param name: see :func:`ask`.
    """
    if has_parent():
        to_parent.tell(_NAME, [name, *arguments])
    else:
        _here().act(_HERE, name, list(arguments))
