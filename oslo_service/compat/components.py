# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The components that ``backend.get_component()`` returns by name.

Their modules are imported by name, on demand: :mod:`oslo_service.backend` stands below
them.
"""

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ("ComponentRegistry", "load", "load_all")

_MODULES = {
    "oslo_service.service": (
        "ServiceBase",
        "ServiceLauncher",
        "Launcher",
        "ProcessLauncher",
        "Service",
        "Services",
        "ServiceWrapper",
        "SignalHandler",
        "SignalExit",
        "Singleton",
        "_is_daemon",
        "_is_sighup_and_daemon",
        "launch",
    ),
    "oslo_service.loopingcall": (
        "LoopingCallBase",
        "LoopingCallDone",
        "LoopingCallTimeOut",
        "FixedIntervalLoopingCall",
        "FixedIntervalWithTimeoutLoopingCall",
        "DynamicLoopingCall",
        "BackOffLoopingCall",
        "RetryDecorator",
    ),
    "oslo_service.threadgroup": ("ThreadGroup", "Thread"),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}


def load(name: str) -> Any:
    """Return one component.

    :param name: its name, as in its module.
    :raises KeyError: there is none of that name; the message lists them.
    """
    try:
        module = _WHERE[name]
    except KeyError:
        raise KeyError(
            f"no component is called {name!r}; there are: {', '.join(sorted(_WHERE))}"
        ) from None
    return getattr(importlib.import_module(module), name)


def load_all() -> dict[str, Any]:
    """Return every component by name."""
    return {name: load(name) for name in _WHERE}


class ComponentRegistry:
    """Components by name, some of which may be missing.

    :param components: the components; None: it is missing.
    """

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components

    def __contains__(self, name: object) -> bool:
        """Whether there is a component of that name."""
        return isinstance(name, str) and self._components.get(name) is not None

    def __getitem__(self, name: str) -> Any:
        """Return a component.

        :raises BackendComponentNotAvailable: it is missing.
        """
        if name not in self:
            there = ", ".join(one for one in self._components if one in self)
            # Not earlier: that package imports this module.
            from oslo_service.backend import exceptions

            raise exceptions.BackendComponentNotAvailable(
                f"Component {name!r} is not available; there are: {there or 'none'}"
            )
        return self._components[name]
