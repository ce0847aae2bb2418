# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The choice of the driver, and what may still change it."""

import dataclasses
import logging
import os
import sys
import threading
from collections.abc import Callable

from oslo_config import cfg

from oslo_service.backend import _loading, base, exceptions
from oslo_service.backend._choice import (
    BackendType,
    Choice,
    Rule,
    auto,
    name_of,
    stated_by_option,
)

__all__ = (
    "commit",
    "default_backend_type",
    "driver_called",
    "foresee",
    "forget",
    "get_backend",
    "get_backend_type",
    "in_use",
    "init_backend",
    "register_backend_default_hook",
    "select_by",
    "selected",
    "set_aside",
)

LOG = logging.getLogger(__name__)

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclasses.dataclass(frozen=True)
class Foreseen:
    """What a launcher would run on.

    :ivar name: the driver.
    :ivar rule: who decides: ``code``, ``option``, ``hook`` or ``auto``.
    :ivar origin: the same in words, with the place.
    :ivar refusal: why a launcher would refuse to be made; None: it would not.
    """

    name: str
    rule: str
    origin: str
    refusal: str | None


_Hook = Callable[[], "BackendType | str"]


class _Selection:
    """What has been decided in this process so far."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.hook: _Hook | None = None
        self.choice: Choice | None = None
        self.driver: base.Driver | None = None
        self.launching: base.Driver | None = None
        # By name: drivers that were asked for one job, and select nothing.
        self.apart: dict[str, base.Driver] = {}
        self.warned: set[str] = set()

    @property
    def open(self) -> bool:
        """Whether a stated choice may still replace what there is."""
        if self.driver is None or self.choice is None:
            return True
        return (
            not self.choice.stated
            and self.launching is None
            and not self.driver.running
        )

    def select(self, choice: Choice) -> base.Driver:
        """Make ``choice`` the process's, or refuse it."""
        if self.driver is not None and self.choice is not None:
            if choice.name == self.choice.name:
                if choice.rule < self.choice.rule:
                    self.choice = choice
                return self.driver
            if not self.open:
                raise exceptions.BackendAlreadySelected(
                    f"{choice} comes too late: this process runs on {self.choice}"
                )
        self.driver = _loading.load(choice.name)
        self.choice = choice
        LOG.debug("Driver %s", choice)
        return self.driver

    def decide(self, conf: cfg.ConfigOpts | None) -> Choice:
        """Apply the rules to what is known now."""
        if self.choice is not None and not self.open:
            return self.choice
        stated = stated_by_option(conf)
        if stated is not None:
            return stated
        if self.choice is not None:
            return self.choice
        return self._ask_hook() or auto("the default")

    def _ask_hook(self) -> Choice | None:
        if self.hook is None:
            return None
        try:
            name = name_of(self.hook())
            return Choice(name, Rule.HOOK, f"the hook {self.hook!r}")
        except Exception:
            LOG.exception("The hook for the default backend failed; it is passed over")
            return None

    def one_called(self, name: str) -> base.Driver:
        """Give a driver by name, whatever the process runs on."""
        if not self.open:
            for driver in (self.launching, self.driver):
                if driver is not None and driver.name == name:
                    return driver
        if name not in self.apart:
            self.apart[name] = _loading.load(name)
        return self.apart[name]

    def warn_once(self, message: str) -> None:
        if message not in self.warned:
            self.warned.add(message)
            LOG.warning("%s", message)


_selection = _Selection()


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
    choice = Choice(name, Rule.CODE, f"init_backend() at {_caller()}")
    with _selection.lock:
        _selection.select(choice)


def get_backend() -> base.Driver:
    """Give the driver; decide now where nothing has decided yet.

    A decision by the hook or by ``auto`` can still be replaced by a stated
    one, until a launcher is made or something runs.
    """
    driver = _selection.driver
    if driver is not None and not _selection.open:
        return driver
    return select_by(None)


def select_by(conf: cfg.ConfigOpts | None) -> base.Driver:
    """Give the driver, chosen by this configuration where nothing has decided yet.

    :param conf: None: the global one.
    """
    with _selection.lock:
        return _selection.select(_selection.decide(conf))


def driver_called(name: str | None) -> base.Driver:
    """Give a driver for one job, which selects it for nothing else.

    :param name: its name; None: the process's, as :func:`get_backend`.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    """
    if name is None:
        return get_backend()
    with _selection.lock:
        return _selection.one_called(name)


def forget(name: str) -> None:
    """Make a driver anew when it is asked for one job the next time."""
    with _selection.lock:
        _selection.apart.pop(name, None)


def get_backend_type() -> BackendType | str | None:
    """Tell which driver is selected, deciding nothing.

    :returns: the enum member, the name of a third-party driver, or None.
    """
    choice = _selection.choice
    if choice is None:
        return None
    try:
        return BackendType(choice.name)
    except ValueError:
        return choice.name


def selected() -> base.Driver | None:
    """Give the driver where there is one, deciding nothing."""
    return _selection.launching or _selection.driver


def in_use() -> set[base.Driver]:
    """Give the drivers that this process has run anything on.

    More than one where launchers run on another driver than the selected one,
    or where a driver was asked for one job.
    """
    found = {_selection.driver, _selection.launching, *_selection.apart.values()}
    return {driver for driver in found if driver is not None}


def register_backend_default_hook(hook: _Hook | None) -> None:
    """Set the function that decides where neither code nor option does.

    :param hook: takes nothing and returns what :func:`init_backend` takes.
        One that raises is logged and passed over. None removes it.
    """
    _selection.hook = hook


def commit(conf: cfg.ConfigOpts | None = None) -> base.Driver:
    """Decide for good: a launcher is being made.

    :param conf: the configuration that the launcher was given; None: the
        global one.
    :returns: the driver that launchers run on.
    :raises UnsupportedBackendError: the option says ``threading`` in a process
        that is monkey-patched.
    :raises BackendAlreadySelected: the option names another driver than the
        one that is in use.
    """
    with _selection.lock:
        stated = stated_by_option(conf)
        chosen = _selection.choice
        if chosen is not None and chosen.rule is Rule.CODE:
            if stated is not None and stated.name != chosen.name:
                _selection.warn_once(f"{chosen}, goes before {stated}")
        elif stated is not None:
            _refuse_patched(stated)
            _selection.select(stated)
        driver = _selection.select(_selection.decide(conf))
        if _selection.launching is None:
            _selection.launching = _for_launchers(driver)
        return _selection.launching


def foresee(conf: cfg.ConfigOpts) -> Foreseen:
    """Tell what a launcher would run on here, deciding nothing.

    The hook is asked, where there is one.

    :param conf: the configuration that the launcher would be given.
    """
    with _selection.lock:
        choice = _selection.decide(conf)
    refusal = None
    if choice.rule is Rule.OPTION:
        try:
            _refuse_patched(choice)
        except exceptions.UnsupportedBackendError as exc:
            refusal = str(exc)
    return Foreseen(choice.name, choice.rule.name.lower(), choice.origin, refusal)


def _refuse_patched(stated: Choice) -> None:
    if stated.name == BackendType.THREADING.value and _loading.is_patched():
        raise exceptions.UnsupportedBackendError(
            f"{stated}, needs native threads, and eventlet has"
            " monkey-patched them in this process. Replace the call of"
            " eventlet.monkey_patch() by"
            " oslo_service.backend.bootstrap(), which patches only"
            " where the option says eventlet"
        )


def _for_launchers(driver: base.Driver) -> base.Driver:
    if driver.name == BackendType.THREADING.value and _loading.is_patched():
        _selection.warn_once(
            f"{_selection.choice}, but eventlet has monkey-patched this"
            " process and it has no native threads: launchers run on 'eventlet'"
        )
        driver = _loading.load(BackendType.EVENTLET.value)
    warning = driver.environment_warning()
    if warning is not None:
        _selection.warn_once(f"The driver is {_selection.choice}, but {warning}")
    return driver


def _reset_backend() -> None:
    """Forget every decision and the hook: for tests only."""
    set_aside()


def set_aside() -> Callable[[], None]:
    """Forget every decision and the hook, for a while: for tests only.

    :returns: what brings them back.
    """
    global _selection
    before, _selection = _selection, _Selection()

    def bring_back() -> None:
        global _selection
        _selection = before

    return bring_back


def default_backend_type() -> BackendType:
    """Tell what ``auto`` would select now, deciding nothing."""
    return BackendType(auto("").name)


def _caller() -> str:
    """Give the file and line outside the library that called it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
