# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Finding drivers among the installed distributions, and loading one."""

import sys
from collections.abc import Iterator
from importlib import metadata

from oslo_service.backend import base, exceptions

__all__ = ("installed", "is_patched", "load")

GROUP = "oslo_service.backend"


def is_patched() -> bool:
    """Tell whether eventlet has monkey-patched anything in this process."""
    patcher = sys.modules.get("eventlet.patcher")
    return bool(getattr(patcher, "already_patched", None))


def installed() -> list[str]:
    """List the names of the installed drivers."""
    return sorted({entry.name for entry in metadata.entry_points(group=GROUP)})


def load(name: str) -> base.Driver:
    """Load a driver and make its instance.

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
    entry = next(_candidates(name), None)
    if entry is None:
        raise exceptions.UnsupportedBackendError(
            f"no driver is called {name!r}; installed are: {', '.join(installed())}"
        )
    driver_class = entry.load()
    if not (isinstance(driver_class, type) and issubclass(driver_class, base.Driver)):
        raise exceptions.UnsupportedBackendError(
            f"the entry point {name!r} gives {driver_class!r}, which is not a"
            " subclass of oslo_service.backend.base.Driver"
        )
    driver_class.check_environment()
    return driver_class()


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
    return metadata.distribution("oslo.service").entry_points.select(
        group=GROUP, name=name
    )


def _explain(name: str, error: Exception) -> str:
    if not isinstance(error, ImportError):
        return f"{type(error).__name__}: {error}"
    if _own(name):
        return f"{error}. Install what it needs: pip install 'oslo.service[{name}]'"
    return f"{error}. Install what its package needs"
