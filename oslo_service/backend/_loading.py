# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The drivers that are installed, or registered here, and loading one."""

import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TypeGuard

from oslo_service._common.fork_safety import Inherited
from oslo_service.backend import base, exceptions

__all__ = (
    "has_hub",
    "installed",
    "is_driver_class",
    "is_patched",
    "load",
    "registered",
)

GROUP = "oslo_service.backend"
# Options of PyInstaller for the drivers that come with the library: it does not see
# them, since they are imported by name, as are Eventlet's hubs and its resolver.
_UNSEEN = {
    "eventlet": (
        "--hidden-import oslo_service.backend.eventlet",
        "--collect-submodules eventlet.hubs",
        "--collect-submodules dns",
    ),
    "threading": ("--hidden-import oslo_service.backend.threading",),
}

_registered: Inherited[dict[str, type[base.Driver]]] = Inherited(dict)


def registered() -> dict[str, type[base.Driver]]:
    """Return the drivers that are registered in this process alone, by name."""
    return _registered.get()


def is_patched() -> bool:
    """Whether eventlet has monkey-patched anything in this process."""
    patcher = sys.modules.get("eventlet.patcher")
    return bool(getattr(patcher, "already_patched", None))


def has_hub() -> bool:
    """Whether somebody has spawned or slept in Eventlet, in this native thread.

    What the library itself has done, by its own driver, does not count.
    """
    hubs = sys.modules.get("eventlet.hubs")
    hub = getattr(getattr(hubs, "_threadlocal", None), "hub", None)
    return hub is not None and not hasattr(hub, "oslo_service_mailbox")


def installed() -> list[str]:
    """Return the names of the installed drivers, sorted."""
    return sorted({entry.name for entry in metadata.entry_points(group=GROUP)})


def load(name: str) -> base.Driver:
    """Return a new instance of a driver.

    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used here; the message says why and what to do.
    """
    try:
        return _load(name)
    except exceptions.UnsupportedBackendError:
        raise
    except Exception as exc:
        raise exceptions.UnsupportedBackendError(
            f"the driver {name!r} cannot be loaded: {_explain(name, exc)}"
        ) from exc


def _load(name: str) -> base.Driver:
    driver_class = registered().get(name) or _installed_class(name)
    driver_class.check_environment()
    return driver_class()


def _installed_class(name: str) -> type[base.Driver]:
    entry = next(_candidates(name), None)
    if entry is None:
        _refuse_incomplete(name)
        names = ", ".join(sorted(registered()))
        here = f"; registered are: {names}" * bool(names)
        raise exceptions.UnknownBackendError(
            f"no driver is called {name!r}; installed are:"
            f" {', '.join(installed())}{here}; 'auto' takes what suits the process"
        )
    driver_class = entry.load()
    if not is_driver_class(driver_class):
        raise exceptions.UnsupportedBackendError(
            f"the entry point {name!r} gives {driver_class!r}, which is not a"
            " subclass of oslo_service.backend.base.Driver"
        )
    return driver_class


def _refuse_incomplete(name: str) -> None:
    if getattr(sys, "frozen", False):
        raise exceptions.UnsupportedBackendError(
            f"the driver {name!r} is not in this frozen program: {_how_to_freeze(name)}"
        )


def _how_to_freeze(name: str, missing: str | None = None) -> str:
    """Return the options that PyInstaller needs for a driver: nothing imports it.

    :param missing: a module that was not found.
    """
    distribution = "oslo.service" if name in _UNSEEN else "ITS-DISTRIBUTION"
    unseen = dict.fromkeys(_UNSEEN.get(name, ("--hidden-import its_module",)))
    if missing is not None:
        unseen[f"--hidden-import {missing}"] = None
    options = " ".join([f"--copy-metadata {distribution}", *unseen])
    return f"build it by pyinstaller {options}"


def is_driver_class(thing: object) -> TypeGuard[type[base.Driver]]:
    """Whether something is a subclass of the driver interface."""
    return isinstance(thing, type) and issubclass(thing, base.Driver)


def _candidates(name: str) -> Iterator[metadata.EntryPoint]:
    # Our own metadata first: looking through every distribution that is
    # installed takes longer than starting four workers.
    yield from _own(name)
    import stevedore.driver
    from stevedore.exception import NoMatches

    try:
        yield stevedore.driver.DriverManager(GROUP, name).extensions[0].entry_point
    except NoMatches:
        return


def _own(name: str) -> metadata.EntryPoints:
    try:
        ours = metadata.distribution("oslo.service")
    except metadata.PackageNotFoundError:
        _refuse_incomplete(name)
        raise
    return ours.entry_points.select(group=GROUP, name=name)


def _explain(name: str, error: Exception) -> str:
    if not isinstance(error, ImportError):
        return f"{type(error).__name__}: {error}"
    if getattr(sys, "frozen", False):
        return f"{error}: {_how_to_freeze(name, error.name)}"
    if _own(name):
        return f"{error}. Install what it needs: pip install 'oslo.service[{name}]'"
    return f"{error}. Install what its package needs"
