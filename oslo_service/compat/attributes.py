# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Attributes that objects of 4.8.0 had, and that the library itself does not use.

Their values are made on demand. What makes them is imported by name, as it stands above
the classes that have them, or beside them.
"""

import importlib
import threading
import time
from collections.abc import Callable
from typing import Any

from oslo_service.compat import components

__all__ = ("HasOldAttributes",)


class HasOldAttributes:
    """Base of the classes that have such attributes."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("oslo_service."):
            for name, make in _KEPT.get(cls.__qualname__, {}).items():
                setattr(cls, name, _OldAttribute(make))


class _OldAttribute:
    """An attribute whose value is made on demand, unless it has been set."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __get__(self, owner: Any, _cls: type) -> Any:
        return self if owner is None else self._make(owner)


def _once(
    make: Callable[[Any], Any], name: str, *, is_current: Any = None
) -> Callable[[Any], Any]:
    """Return what makes the value of an attribute once, and returns it from then on.

    :param make: makes the value, for the object.
    :param name: under which the object keeps it.
    :param is_current: whether the value is still right; None: it always is.
    """

    def get(owner: Any) -> Any:
        kept = vars(owner).get(name)
        if kept is None or (is_current is not None and not is_current(owner, kept)):
            kept = vars(owner)[name] = make(owner)
        return kept

    return get


def _signal_handler(_owner: Any) -> Any:
    return components.load("SignalHandler")()


def _pool(group: Any) -> Any:
    pools = importlib.import_module("oslo_service.compat.pools")
    return pools.pool_of(group)


def _nothing(_owner: Any) -> None:
    return None


def _is_running(launcher: Any) -> bool:
    return launcher._unit is None or not launcher._unit.stopping


def _pids(wrapper: Any) -> set[int]:
    launcher = vars(wrapper).get("_launcher")
    children = {} if launcher is None else launcher.children
    return {pid for pid, one in children.items() if one is wrapper}


def _fork_times(wrapper: Any) -> list[float]:
    """Return when the workers that run it were started, as time.time() has it."""
    launcher = vars(wrapper).get("_launcher")
    unit = None if launcher is None else launcher._unit
    begin = time.time() - time.monotonic()
    return sorted(
        begin + worker.started_at
        for worker in getattr(unit, "processes", ())
        if worker.slot.spec.wrapper is wrapper
    )


class _Done:
    """An event that is set when services are stopped; with Eventlet's methods, too."""

    def __init__(self, services: Any) -> None:
        self._services = services
        self._sent = threading.Event()

    def ready(self) -> bool:
        """Whether it is set."""
        runner = self._services._runner
        return self._sent.is_set() or (runner is not None and runner.stopping)

    is_set = ready

    def send(self, _value: object = None) -> None:
        """Set it."""
        self._sent.set()

    set = send

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the services have ended.

        :param timeout: seconds; None: no limit.
        """
        runner = self._services._runner
        if self._sent.is_set() or runner is None:
            return self._sent.wait(timeout)
        ended: bool = runner.ended.wait(timeout)
        return ended


_KEPT: dict[str, dict[str, Callable[[Any], Any]]] = {
    "ThreadGroup": {
        "pool": _once(_pool, "_pool", is_current=lambda group, pool: pool.suits(group)),
    },
    "Services": {
        "tg": _once(lambda _services: components.load("ThreadGroup")(), "_tg"),
        "done": _once(_Done, "_done"),
    },
    "Launcher": {
        "restart_method": lambda launcher: launcher._settings.restart_method,
    },
    "ServiceLauncher": {"signal_handler": _signal_handler},
    "ProcessLauncher": {
        "restart_method": lambda launcher: launcher._settings.restart_method,
        "start_method": lambda launcher: launcher._start_method,
        "signal_handler": _signal_handler,
        "running": _is_running,
        # In a worker it was what ran there. None of ours is in a parent.
        "launcher": _nothing,
        # A signal that waits to be acted upon: none does.
        "sigcaught": _nothing,
        # A worker notices by itself that its parent is gone.
        "readpipe": _nothing,
        "writepipe": _nothing,
    },
    "ServiceWrapper": {"children": _pids, "forktimes": _fork_times},
    "LoopingCallBase": {"kwargs": lambda loop: loop.kw},
}
