# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What this process has decided so far, and what it would decide now."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from oslo_config import cfg

from oslo_service._common.fork_safety import Inherited, PerProcess
from oslo_service.backend import _loading, base, exceptions
from oslo_service.backend._selection_rules import (
    BackendType,
    Choice,
    Rule,
    auto,
    name_of,
    stated_by_option,
)

__all__ = ("Hook", "Selection", "current", "set_aside")

LOG = logging.getLogger(__name__)

Hook = Callable[[], "BackendType | str"]


class Selection:
    """What has been decided in this process so far.

    :ivar hook: decides where neither code nor the option does.
    :ivar hook_place: the file and line that registered it.
    :ivar choice: the last choice, and what decided it.
    :ivar driver: the driver that was chosen.
    :ivar settled: the same, once nothing can replace it: kept apart because each loop
        and each task asks for it.
    :ivar launching: the driver that launchers run on, once there has been one.
    :ivar unselected: the drivers that were asked for one job, by name.
    :ivar announced: the driver that has been logged.
    :ivar warned: the warnings that have been logged.
    """

    def __init__(self) -> None:
        self.hook: Hook | None = None
        self.hook_place = ""
        self.choice: Choice | None = None
        self.driver: base.Driver | None = None
        self.settled: base.Driver | None = None
        self.launching: base.Driver | None = None
        self.unselected: dict[str, base.Driver] = {}
        self.announced: base.Driver | None = None
        self.warned: set[str] = set()

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """The lock to hold while deciding."""
        return _deciding.get()

    @property
    def is_open(self) -> bool:
        """Whether a stated choice may still replace what there is."""
        if self.driver is None or self.choice is None:
            return True
        return not self.is_final and not self.driver.running

    @property
    def is_final(self) -> bool:
        """Whether nothing will ever replace what there is."""
        if self.driver is None or self.choice is None:
            return False
        return self.launching is not None or self.choice.rule <= Rule.OPTION

    def select(self, choice: Choice) -> base.Driver:
        """Make a choice that of the process, and return its driver.

        :raises BackendAlreadySelected: it is too late for another driver.
        :raises UnsupportedBackendError: its driver cannot be used.
        """
        if self.driver is not None and self.choice is not None:
            if choice.name == self.choice.name:
                if choice.rule < self.choice.rule:
                    self.choice = choice
                return self.driver
            if not self.is_open:
                raise exceptions.BackendAlreadySelected(
                    f"{choice} comes too late: this process runs on {self.choice}"
                )
        self.driver = _load(choice)
        self.choice = choice
        return self.driver

    def announce(self) -> None:
        """Log, once, what this process runs on: something is about to run."""
        if self.announced is not self.driver:
            self.announced = self.driver
            LOG.info("Process %d runs on the driver %s", os.getpid(), self.choice)
        if self.is_final:
            self.settled = self.driver

    def decide(
        self, conf: cfg.ConfigOpts | None, *, for_launcher: bool = False
    ) -> Choice:
        """Return what the rules choose, by what is known now.

        :param conf: the configuration; None: the global one.
        :param for_launcher: whether to look again where ``auto`` has decided: the
            choice is for good.
        """
        if self.choice is not None and not self.is_open:
            return self.choice
        stated = stated_by_option(conf)
        if stated is not None:
            return stated
        stale = for_launcher and self.choice and self.choice.rule is Rule.AUTO
        if self.choice is not None and not stale:
            return self.choice
        return self._ask_hook() or auto(lambda: "the default")

    def _ask_hook(self) -> Choice | None:
        if self.hook is None:
            return None
        try:
            name = name_of(self.hook())
            origin = f"the hook that {self.hook_place} registered"
            return Choice(name, Rule.HOOK, lambda: origin)
        except Exception:
            LOG.exception(
                "The hook for the default backend, which %s registered, failed;"
                " it is passed over",
                self.hook_place,
            )
            return None

    def driver_called(self, name: str) -> base.Driver:
        """Return a driver by name, whatever the process runs on."""
        if not self.is_open:
            for driver in (self.launching, self.driver):
                if driver is not None and driver.name == name:
                    return driver
        if name not in self.unselected:
            self.unselected[name] = _loading.load(name)
        return self.unselected[name]

    def warn_once(self, message: str) -> None:
        """Log a warning that this selection has not logged yet."""
        if message not in self.warned:
            self.warned.add(message)
            LOG.warning("%s", message)


def _load(choice: Choice) -> base.Driver:
    try:
        return _loading.load(choice.name)
    except exceptions.UnsupportedBackendError as exc:
        # In code, the traceback shows who asked for it.
        if choice.rule is not Rule.CODE:
            raise type(exc)(f"{choice.origin}: {exc}") from exc.__cause__
        raise


_selection = Inherited(Selection)
# Of the process: a thread that held it does not cross a fork, and never gives it back.
_deciding = PerProcess(threading.RLock)


#: Returns what this process has decided; asked for each loop and each task.
current = _selection.get


def set_aside() -> Callable[[], None]:
    """Forget every decision and the hook, for a while: for tests only.

    :returns: brings them back.
    """
    before = current()
    _selection.set(Selection())
    return lambda: _selection.set(before)
