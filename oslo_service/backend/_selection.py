# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Selecting the driver, and asking which one is selected."""

import os
import sys

from oslo_config import cfg

from oslo_service._common.forked_child import Confined
from oslo_service.backend import _state, base
from oslo_service.backend._selection_rules import (
    BackendType,
    Choice,
    Rule,
    auto,
    name_of,
)

__all__ = (
    "choice",
    "confined",
    "default_backend_type",
    "driver_called",
    "forget",
    "get_backend",
    "get_backend_type",
    "in_use",
    "init_backend",
    "register_backend_default_hook",
    "select_by",
    "selected",
)

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def init_backend(type_: BackendType | str) -> None:
    """Select the driver in code.

    :param type_: a member of :class:`BackendType`, or the name of an installed
        driver.
    :raises TypeError: it is neither.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    :raises BackendAlreadySelected: another driver is in use; the message says
        what selected it.
    """
    name = name_of(type_)
    origin = f"init_backend() at {_caller()}"
    choice = Choice(name, Rule.CODE, lambda: origin)
    with _state.current().lock:
        _state.current().select(choice)


def get_backend() -> base.Driver:
    """Return the driver; decide now where nothing has decided yet.

    A decision by the hook or by ``auto`` can still be replaced by a stated
    one, until a launcher is made or something runs.
    """
    selection = _state.current()
    if selection.settled is not None:
        return selection.settled
    driver = selection.driver
    if driver is None or selection.is_open:
        driver = select_by(None)
    selection.announce()
    return driver


def select_by(conf: cfg.ConfigOpts | None) -> base.Driver:
    """Return the driver; this configuration decides where nothing has yet.

    :param conf: None: the global one.
    """
    with _state.current().lock:
        return _state.current().select(_state.current().decide(conf))


def driver_called(name: str | None) -> base.Driver:
    """Return a driver for one job, which selects it for nothing else.

    :param name: its name; None: the process's, as :func:`get_backend`.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    """
    if name is None:
        return get_backend()
    with _state.current().lock:
        return _state.current().driver_called(name)


def forget(name: str) -> None:
    """Have a driver loaded anew when it is asked for one job again."""
    with _state.current().lock:
        _state.current().unselected.pop(name, None)


def get_backend_type() -> BackendType | str | None:
    """Return which driver is selected, deciding nothing.

    :returns: the enum member, the name of a third-party driver, or None.
    """
    choice = _state.current().choice
    if choice is None:
        return None
    try:
        return BackendType(choice.name)
    except ValueError:
        return choice.name


def selected() -> base.Driver | None:
    """Return the driver where there is one, deciding nothing."""
    return _state.current().launching or _state.current().driver


def choice() -> Choice | None:
    """Return what was chosen for this process, and why; None: nothing yet."""
    return _state.current().choice


def confined() -> Confined:
    """Return a context in which a function of the program's is called.

    For what is no task, or not of one alone: a process that it forks ends with it.
    """
    driver = selected()
    return Confined(has_threads=driver is None or driver.capabilities.parallel)


def in_use() -> set[base.Driver]:
    """Return the drivers that this process has run anything on.

    More than one where launchers run on another driver than the selected one,
    or where a driver was asked for one job.
    """
    found = {
        _state.current().driver,
        _state.current().launching,
        *_state.current().unselected.values(),
    }
    return {driver for driver in found if driver is not None}


def register_backend_default_hook(hook: _state.Hook | None) -> None:
    """Set the function that decides where neither code nor option does.

    :param hook: takes nothing and returns what :func:`init_backend` takes.
        One that raises is logged and passed over. None removes it.
    """
    _state.current().hook = hook
    _state.current().hook_place = _caller()


def _reset_backend() -> None:
    """Forget every decision and the hook: for tests only."""
    _state.set_aside()


def default_backend_type() -> BackendType:
    """Return what ``auto`` would select now, deciding nothing."""
    return BackendType(auto(str).name)


def _caller() -> str:
    """Return the file and line outside the library that called it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
