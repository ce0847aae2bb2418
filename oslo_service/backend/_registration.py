# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Drivers that are registered in the process, with no entry point: for tests."""

from collections.abc import Callable
from typing import Self

from oslo_service.backend import _loading, _selection, base
from oslo_service.backend._selection_rules import AUTO

__all__ = ("Registration", "register_driver")


class Registration:
    """A driver that can be selected by its name, until this is left or called.

    :param name: the name.
    :param undo: takes the driver off the register; idempotent.
    """

    def __init__(self, name: str, undo: Callable[[], None]) -> None:
        self.name = name
        self._undo = undo

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._undo()

    def __call__(self) -> None:
        """Take the driver off the register. Idempotent."""
        self._undo()


def register_driver(driver_class: type[base.Driver]) -> Registration:
    """Make a driver known in this process, by its ``name``: for tests.

    It can be selected as one that is installed, and selects nothing by itself. Where
    it still is selected when it is taken off the register, it stays so.

    :param driver_class: a subclass of :class:`~oslo_service.backend.base.Driver`.
    :returns: the way back: a context manager, which can be called as well.
    :raises TypeError: it is no complete driver; the message says what it lacks.
    :raises ValueError: its name is taken.
    """
    _check(driver_class)
    name = driver_class.name
    _loading.registered()[name] = driver_class

    def undo() -> None:
        if _loading.registered().get(name) is driver_class:
            del _loading.registered()[name]
            _selection.forget(name)

    return Registration(name, undo)


def _check(driver_class: object) -> None:
    if not _loading.is_driver_class(driver_class):
        raise TypeError(
            f"{driver_class!r} is not a subclass of oslo_service.backend.base.Driver"
        )
    lacking = sorted(getattr(driver_class, "__abstractmethods__", ()))
    lacking += [
        one for one in ("capabilities", "name") if not hasattr(driver_class, one)
    ]
    if lacking:
        raise TypeError(f"{driver_class!r} does not define: {', '.join(lacking)}")
    name = driver_class.name
    if not name or not isinstance(name, str):
        raise TypeError(f"the name of a driver is a string, not {name!r}")
    if name == AUTO:
        taken = "the option has that value"
    elif name in _loading.registered():
        taken = f"{_loading.registered()[name]!r} is registered"
    elif name in _loading.installed():
        taken = "a driver of that name is installed"
    else:
        return
    raise ValueError(f"{driver_class!r} needs another name than {name!r}: {taken}")
