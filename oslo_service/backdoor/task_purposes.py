# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The purpose of tasks and native threads, as their stacks tell."""

from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from oslo_service._common import naming
from oslo_service._common.frames import Stack
from oslo_service.backdoor import running_loops
from oslo_service.backdoor.server import BackdoorServer
from oslo_service.groups import thread
from oslo_service.loopingcall import LoopingCallBase
from oslo_service.serving.leader_followers import LeaderFollowers
from oslo_service.supervisor import current as supervision
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.services.calls import ServiceCalls
from oslo_service.supervisor.shutdown_timeout import ShutdownTimeout
from oslo_service.threadgroup import ThreadGroup

__all__ = ("describe", "services")


def services() -> list[Any]:
    """Return the services that run in this process."""
    supervisor = supervision.known()
    units = [] if supervisor is None else supervisor.units
    return [one for unit in units for one in unit.services]


def describe(stack: Stack) -> str:
    """Return the purpose of a task, in a few words; empty: it is not known."""
    found = ""
    for frame in stack.frames:
        # The outermost known call counts: it is what the task was made for.
        tell = _KNOWN.get(frame.f_code)
        if tell is not None:
            found = tell(frame, stack)
    return found


def _tell_loop(_frame: FrameType, stack: Stack) -> str:
    loop = running_loops.of_task(stack)
    return "" if loop is None else f"{loop}{_of_timer(loop.loop)}"


def _of_timer(loop: LoopingCallBase) -> str:
    group = getattr(loop._on_end, "__self__", None)
    return f"; a timer {_of_group(group)}" if isinstance(group, ThreadGroup) else ""


def _tell_member(frame: FrameType, _stack: Stack) -> str:
    thread = frame.f_locals["thread"]
    asked = ", asked to stop" if thread.stop_ordered else ""
    return f"a thread {_of_group(thread.group)}{asked}"


def _of_group(group: ThreadGroup) -> str:
    text = f"of a group ({len(group.threads)} of {group.thread_pool_size} threads"
    text += f", {len(group.timers)} timers)"
    owners = [
        naming.describe(service)
        for service in services()
        # Not getattr(): the __getattr__ of a service may answer anything.
        if any(value is group for value in vars(service).values())
    ]
    return f"{text} of {owners[0]}" if owners else text


def _tell_service(frame: FrameType, _stack: Stack) -> str:
    life = frame.f_locals["incarnation"]
    phase = life.phase.value if life.started else "start()"
    if frame.f_code is ServiceCalls.call_stop.__code__:
        phase = "stop()"
    return f"{phase} of the service {naming.describe(life.service)}"


def _tell_http(frame: FrameType, _stack: Stack) -> str:
    tasks: LeaderFollowers = frame.f_locals["self"]
    return f"one of the {len(tasks)} tasks of the server {tasks.name!r}"


def _tell(words: str) -> "_Tell":
    return lambda _frame, _stack: words


def _codes(*functions: Any) -> Iterator[CodeType]:
    return (function.__code__ for function in functions)


_Tell = Callable[[FrameType, Stack], str]

# By functions: what a task is for that has a call of the function in its stack; it is
# told by the frame of the call, and the whole stack.
_KNOWN: dict[CodeType, _Tell] = {
    **dict.fromkeys(_codes(LoopingCallBase._loop), _tell_loop),
    **dict.fromkeys(_codes(thread.run), _tell_member),
    **dict.fromkeys(_codes(ServiceCalls.live, ServiceCalls.call_stop), _tell_service),
    **dict.fromkeys(_codes(LeaderFollowers._run), _tell_http),
    **dict.fromkeys(
        _codes(ServiceCalls.read), _tell("the configuration is read again")
    ),
    **dict.fromkeys(
        _codes(Supervisor._run_until_ended),
        _tell("the launcher: waits for signals, and for what it runs"),
    ),
    **dict.fromkeys(
        _codes(ShutdownTimeout._watch), _tell("keeps graceful_shutdown_timeout")
    ),
    **dict.fromkeys(
        _codes(BackdoorServer._accept_all), _tell("the back door: accepts clients")
    ),
    **dict.fromkeys(_codes(BackdoorServer._serve), _tell("a console of the back door")),
}
