# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The drivers that tests run on: which there are, and what keeps one from it.

Nothing of the library is imported before a test asks for a driver.
"""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oslo_service.backend.base import Capabilities, Driver

__all__ = (
    "capabilities",
    "installed",
    "needs_own_process",
    "obstacle",
    "on_driver",
    "prepare",
    "prepared",
    "recruit",
)

#: The driver that has prepared this process; None: no driver has.
prepared: str | None = None


def prepare(name: str) -> None:
    """Have a driver prepare this process, which is for it alone."""
    global prepared
    recruit(name).prepare_process()
    prepared = name


def installed() -> list[str]:
    """List the names of the drivers that distributions register here."""
    from oslo_service.backend import _loading

    return _loading.installed()


def recruit(name: str) -> "Driver":
    """Make a driver of one's own, which nothing else of the process uses.

    :raises UnsupportedBackendError: there is none of that name, or it cannot be
        used here.
    """
    from oslo_service.backend import _loading

    return _loading.load(name)


def _assess(name: str) -> "tuple[str | None, Driver | None]":
    from oslo_service.backend import _loading

    return _assess_once(name, _loading.registered().get(name))


@functools.cache
def _assess_once(
    name: str,
    registered: "type[Driver] | None",  # noqa: ARG001 - another one is another answer
) -> "tuple[str | None, Driver | None]":
    from oslo_service.backend import exceptions

    try:
        with warnings.catch_warnings():
            # What a model says of itself is for who runs on it.
            warnings.simplefilter("ignore")
            return None, recruit(name)
    except exceptions.UnsupportedBackendError as exc:
        return str(exc), None


def obstacle(name: str) -> str | None:
    """Return why tests cannot run on a driver; None: they can."""
    return _assess(name)[0]


def capabilities(name: str) -> "Capabilities":
    """Return what a driver declares, which can be used here."""
    driver = _assess(name)[1]
    assert driver is not None, name
    return driver.capabilities


def needs_own_process(name: str) -> bool:
    """Whether a driver has to prepare a process, and this one is not."""
    driver = _assess(name)[1]
    return driver is not None and prepared is None and not driver.is_prepared()


@contextlib.contextmanager
def on_driver(name: str) -> "Iterator[Driver]":
    """Have a driver selected in this process; afterwards, what was before.

    :raises UnsupportedBackendError: it cannot be used here.
    """
    from oslo_service import backend
    from oslo_service.backend import _state

    bring_back = _state.set_aside()
    try:
        backend.init_backend(name)
        yield backend.get_backend()
    finally:
        bring_back()
