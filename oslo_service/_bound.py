# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Classes that run on one driver, whatever the process runs on."""

import functools
from typing import Any, TypeVar

__all__ = ("bind",)

T = TypeVar("T")


def bind(driver_name: str, of: type[T]) -> type[T]:
    """Give the subclass of a class whose instances run on one driver.

    The driver is loaded when something of it runs; the process's choice is
    not touched. Among themselves the classes of a driver are related as those
    that they are made of.

    :param driver_name: the driver.
    :param of: a class that looks its driver up by ``_driver_name``.
    """
    original: Any = of
    bound: type[T] = _bind(driver_name, original)
    return bound


@functools.cache
def _bind(driver_name: str, of: Any) -> Any:
    bases = [_bind(driver_name, base) for base in of.__bases__ if _is_bindable(base)]
    module = of.__module__.replace(
        "oslo_service.", f"oslo_service.backend._{driver_name}."
    )
    body = {
        "__module__": module,
        "__doc__": f"{of.__doc__}\n\n    Runs on the driver {driver_name!r}.\n    ",
        "_driver_name": driver_name,
    }
    return type(of.__name__, (of, *bases), body)


def _is_bindable(base: type) -> bool:
    return hasattr(base, "_driver_name")
