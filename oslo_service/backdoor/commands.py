# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The commands that the console of the back door offers, besides Python."""

import gc
import os
import pydoc
import sys
import threading
from typing import Any

from oslo_config import cfg

from oslo_service._common import frames, naming
from oslo_service._common.fork_safety import PerProcess
from oslo_service.backdoor import running_loops, task_purposes
from oslo_service.backdoor.client_stream import ClientStream
from oslo_service.backdoor.profiling import Profile
from oslo_service.backend.base import Driver
from oslo_service.supervisor import current as supervision

__all__ = ("Commands",)

_HELP = """\
fo(what)              the objects of a class, or of what is called so
loops()               the looping calls: interval, last run, lateness
pgt(simple=True)      the green threads, with their stacks
pnt(simple=True)      the native threads, with what they are for and their stacks
                      simple=False: with the local variables, too
prof()                begin to profile; again: stop, and show where time went
prof(fname)           the same, and write it to a file for pstats
services, conf        the services that run here, and the configuration
help(), help(thing)   this, and Python's help
exit(), quit(), ^D    leave; the service goes on
"""

# The profiler that runs: a process has one at most.
_profile: PerProcess[Profile | None] = PerProcess(lambda: None)


class Commands:
    """The commands of one console.

    :param driver: the driver that the process runs on.
    :param conf: the configuration, which is shown as ``conf``.
    :param stream: gets everything that is printed.
    """

    def __init__(
        self, driver: Driver, conf: cfg.ConfigOpts, stream: ClientStream
    ) -> None:
        self._driver = driver
        self._conf = conf
        self._stream = stream
        self._started: Profile | None = None

    def namespace(self) -> dict[str, Any]:
        """Return the names that the console has, with their values."""
        return {
            "fo": find_objects,
            "loops": self.print_loops,
            "pgt": self.print_green_threads,
            "pnt": self.print_native_threads,
            "prof": self.profile,
            "services": task_purposes.services(),
            "conf": self._conf,
            "help": self.help,
        }

    def banner(self) -> str:
        """Return the greeting: which process this is, and which commands there are."""
        supervisor = supervision.known()
        worker = supervisor is not None and supervisor.has_parent
        role = f"a worker of {os.getppid()}" if worker else "no worker"
        names = (
            ", ".join(map(naming.describe, task_purposes.services())) or "no service"
        )
        return (
            f"Python {sys.version.split()[0]} in process {os.getpid()}, {role},"
            f" on the driver {self._driver.name}; runs {names}\n\n{_HELP}\n"
        )

    def help(self, *things: object) -> None:
        """Print what the console offers, or Python's help about something."""
        if not things:
            self._stream.write(_HELP)
        for thing in things:
            pydoc.doc(thing, "Help on %s:", output=self._stream)

    def end(self) -> None:
        """Stop what the console has started and left running."""
        if self._started is not None and self._started is _profile.get():
            _stop_profiling()

    # Tasks

    def print_loops(self) -> None:
        """Print the looping calls that run, each on a line."""
        found = sorted(map(str, running_loops.found_in(self._stacks())))
        for line in found:
            self._stream.write(f"{line}\n")
        self._stream.write(f"{len(found)} looping calls\n")

    def print_green_threads(self, simple: bool = True) -> None:
        """Print the green threads with their stacks.

        :param simple: without their local variables.
        """
        if self._driver.capabilities.parallel:
            self._stream.write(
                f"There are none on the driver {self._driver.name}: see pnt()\n"
            )
            return
        self._print(self._stacks(), self._task_names(), simple)

    def print_native_threads(self, simple: bool = True) -> None:
        """Print the native threads with their stacks.

        :param simple: without their local variables.
        """
        names = {
            thread.ident: thread.name
            for thread in threading.enumerate()
            if thread.ident is not None
        }
        own = self._driver.original("_thread").get_ident()
        names.setdefault(own, "the thread that runs this console")
        names.update(self._task_names())
        self._print(frames.stacks_of(sys._current_frames), names, simple)

    def _stacks(self) -> dict[int, frames.Stack]:
        driver = self._driver
        return frames.stacks_of(driver.frames, driver.current_ident())

    def _task_names(self) -> dict[int, str]:
        return {
            task.ident: task.name
            for task in list(self._driver.running)
            if task.ident is not None
        }

    def _print(
        self, stacks: dict[int, frames.Stack], names: dict[int, str], simple: bool
    ) -> None:
        for number, (ident, stack) in enumerate(stacks.items()):
            purpose = task_purposes.describe(stack)
            self._stream.write(
                f"{number} {names.get(ident, 'no task')} ({ident})"
                f"{': ' if purpose else ''}{purpose}\n"
                f"{frames.text(stack, variables=not simple)}\n"
            )

    # Time

    def profile(self, fname: str = "") -> None:
        """Begin to profile; if a profile has begun, stop it, and print the result.

        A profile also stops at the end of the console that has begun it.

        :param fname: a file to write the result to, too, for :class:`pstats.Stats`.
        :raises ImportError: yappi is missing.
        """
        if _profile.get() is None:
            self._started = Profile(self._driver)
            _profile.set(self._started)
            self._stream.write("Profiling; prof() stops it and shows the result\n")
        else:
            _stop_profiling().show(self._stream, fname)


def _stop_profiling() -> Profile:
    profile = _profile.get()
    _profile.set(None)
    assert profile is not None, "nothing is profiled"  # noqa: S101
    profile.stop()
    return profile


def find_objects(what: type | str) -> list[Any]:
    """Return the objects that the garbage collector knows: not numbers and strings.

    :param what: a class; or the name of one or more classes, with or without the
        module.
    :returns: the instances of the class, and of its subclasses.
    :raises TypeError: it is neither.
    """
    if not isinstance(what, type | str):
        raise TypeError(f"fo() takes a class, or the name of one, not {what!r}")
    # Objects from before a fork are hidden from the collector. To see them is worth
    # more now than to share their memory with the parent.
    gc.unfreeze()
    matches: dict[type, bool] = {}
    found = []
    for one in gc.get_objects():
        # Not isinstance(): the object may answer that itself, and anything.
        kind = type(one)
        if kind not in matches:
            matches[kind] = _is_kind(kind, what)
        if matches[kind]:
            found.append(one)
    return found


def _is_kind(kind: type, what: type | str) -> bool:
    ancestry = type.mro(kind) if kind is not type else [type, object]
    if isinstance(what, type):
        return what in ancestry
    return any(
        what in (one.__name__, one.__qualname__, f"{one.__module__}.{one.__qualname__}")
        for one in ancestry
    )
