# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The public names that can be asked for by name, and where they live.

The modules are imported when they are asked for, by name: :mod:`oslo_service.backend`
answers with them, and stands below them.
"""

import importlib
from typing import Any

__all__ = ("load", "load_all")

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
