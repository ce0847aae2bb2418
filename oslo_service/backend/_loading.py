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
    entry = next(_candidates(name), None)
    if entry is None:
        raise exceptions.UnsupportedBackendError(
            f"no driver is called {name!r}; installed are: {', '.join(installed())}"
        )
    try:
        driver_class = entry.load()
    except ImportError as exc:
        raise _unloadable(entry, exc) from exc
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
    yield from metadata.distribution("oslo.service").entry_points.select(
        group=GROUP, name=name
    )
    import stevedore.driver
    from stevedore.exception import NoMatches

    def refuse(
        _manager: object, entry: metadata.EntryPoint, error: BaseException
    ) -> None:
        if isinstance(error, ImportError):
            raise _unloadable(entry, error) from error
        raise error

    try:
        yield (
            stevedore.driver.DriverManager(GROUP, name, on_load_failure_callback=refuse)
            .extensions[0]
            .entry_point
        )
    except NoMatches:
        return


def _unloadable(
    entry: metadata.EntryPoint, error: ImportError
) -> exceptions.UnsupportedBackendError:
    remedy = f"Install what the package of {entry.value!r} needs"
    if entry.value.startswith("oslo_service."):
        remedy = f"Install what it needs: pip install 'oslo.service[{entry.name}]'"
    return exceptions.UnsupportedBackendError(
        f"the driver {entry.name!r} cannot be loaded: {error}. {remedy}"
    )
