# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Subclasses that are bound to one driver, whatever the process runs on."""

import functools
from types import ModuleType
from typing import Any

__all__ = ("bind_all",)


def bind_all(driver_name: str, module: ModuleType) -> dict[str, Any]:
    """Return the public names of a module, its classes bound to a driver.

    Of each class that looks its driver up by ``_driver_name``, a subclass is made.
    The driver is loaded when such a class runs something; the selection of the
    process is not touched. The subclasses inherit from each other as the classes
    do. All else is taken over as it is.

    :param driver_name: the driver.
    :param module: the module.
    """
    names = {name: getattr(module, name) for name in module.__all__}
    return {
        name: _bind(driver_name, one) if _is_bindable(one) else one
        for name, one in names.items()
    }


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


def _is_bindable(thing: Any) -> bool:
    return hasattr(thing, "_driver_name")
