# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The time-out of an orderly end, kept by force."""

import atexit
import contextlib
import faulthandler
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from oslo_service._common import clock, streams, times
from oslo_service._common.careful_log import CarefulLog
from oslo_service.backend.base import Driver
from oslo_service.sockets import open_sockets
from oslo_service.supervisor import (
    faulthandler_timer,
    interpreter_exit,
    signals,
    work_items,
)
from oslo_service.supervisor.alarm import Alarm
from oslo_service.supervisor.unit import Unit

__all__ = ("ShutdownTimeout",)

LOG = CarefulLog(__name__)

# How long after the limit a process that never gives up the GIL is ended, in
# seconds; a parent kills its workers one second after their limit.
_BACKSTOP = 0.5

# How long what there is to say may take at the end, in seconds.
_LAST_WORDS = 1.0

# How much is shown of where the work is, in characters: a worker has a part of the
# file in which it leaves its stacks, which are to have some room, too.
_SHOWN = 1 << 17

# What faulthandler raises of a standard error that has no descriptor, and where
# no thread can be had.
_NO_BACKSTOP = (RuntimeError, ValueError, OSError, AttributeError)


class ShutdownTimeout:
    """Ends the process with status 1, unless all is disarmed in time.

    An alarm keeps the time, in the main thread, whatever that is blocked in.
    Behind it stands faulthandler's timer, where a thread can be had for it: it
    needs no GIL, and ends even a process that never gives it up.

    :param driver: which has the unpatched modules.
    :param stacks_fd: returns the descriptor to write stacks to; None is the
        standard error.
    :param kill_workers: ends the workers by force; must not block.
    """

    def __init__(
        self,
        driver: Driver,
        stacks_fd: Callable[[], int | None],
        kill_workers: Callable[[], object],
    ) -> None:
        self._driver = driver
        self._threads = driver.original("_thread")
        self._stacks_fd = stacks_fd
        self._kill_workers = kill_workers
        self._alarm = Alarm(self._ring)
        self._ends: dict[Unit, float] = {}
        self._kept: dict[Unit, float] = {}
        self._seconds: dict[Unit, float] = {}
        self._backstop_set = self._was_backed = False
        self._call: tuple[float, Callable[[], object]] | None = None
        self._expired = self._exiting = False
        self._stderr = _open_stderr()
        atexit.register(self._leave_to_backstop)  # called after what comes later

    # Units

    def arm(self, unit: Unit, seconds: float) -> None:
        """Let a unit's time run, unless it runs already; async-signal-safe.

        :param seconds: from now; 0: there is no limit.
        """
        if not seconds or unit in self._ends:
            return
        self._kept.clear()
        self._seconds[unit] = seconds
        self._ends[unit] = clock.now() + seconds
        if not self._set_alarm():
            self._have_watched(unit, seconds)

    def back(self) -> None:
        """Have faulthandler stand behind what is armed: a stop is final."""
        # The latest: the alarm comes first in any ordinary case.
        end = max(list(self._ends.values()), default=None)
        if end is None or not faulthandler_timer.is_usable():
            return
        self._set_backstop(end + _BACKSTOP - clock.now())

    def _set_backstop(self, seconds: float) -> None:
        left = times.bounded(max(0.001, seconds))
        try:
            faulthandler.dump_traceback_later(left, exit=True, file=self._file())
        except _NO_BACKSTOP:
            return  # the alarm needs none of what is missing
        self._backstop_set = True

    def disarm(self, unit: Unit) -> None:
        """Take a unit's time-out back: what had to end has ended."""
        if self._ends.pop(unit, None) is None:
            return
        if not self._set_alarm():
            self._alarm.give_back()
            self._set_alarm()  # for what a signal's handler has armed meanwhile
        self._take_back()
        self.back_again()

    def keep_for_end(self, unit: Unit) -> None:
        """Have a unit's time go on when the interpreter ends, not before.

        The program's own last lines have no limit.
        """
        end = self._ends.get(unit)
        if end is not None:
            self._kept[unit] = end
            interpreter_exit.call_first(self._arm_for_end)

    def _arm_for_end(self) -> None:
        kept, self._kept = self._kept, {}
        if not kept or not signals.in_main_thread():
            return
        soonest = clock.now() + _LAST_WORDS
        self._ends = {unit: max(end, soonest) for unit, end in kept.items()}
        self._set_alarm()
        self.back()

    def _leave_to_backstop(self) -> None:
        """Let what stands behind the alarm be the first, when Python ends itself.

        It has given signals back by then: the alarm would end it by SIGALRM. That is
        left to what comes last of all, when faulthandler is gone, too.
        """
        if self._ends and self._backstop_set:
            end = max(self._ends.values()) + 2 * _BACKSTOP
            self._alarm.set(end - clock.now())

    def call_in(
        self, seconds: float | None, call: Callable[[], object] = lambda: None
    ) -> None:
        """Have a function called when the time has come; async-signal-safe.

        It is called as a signal handler is, instead of the one before.

        :param seconds: from now; None: nothing is called.
        """
        self._call = None if seconds is None else (clock.now() + seconds, call)
        if not self._set_alarm():
            self._alarm.give_back()

    def exit_soon(self, seconds: float) -> None:
        """End the process with status 1 in so many seconds; async-signal-safe.

        What is done in the meantime may block.
        """
        self._expired = True
        self._alarm.set(seconds)

    def close(self) -> None:
        """Close what is held, and leave the alarm to the program."""
        self._ends.clear()
        self._call = None
        self._alarm.give_back()
        atexit.unregister(self._leave_to_backstop)
        self._close_stderr()

    def before_fork(self) -> None:
        """Take back what stands behind the alarm, for a moment."""
        if self._backstop_set:
            self._take_back()
        faulthandler_timer.look(self._threads)

    def back_again(self) -> None:
        """Have it stand there again, if it did before it was taken back."""
        if self._was_backed:
            self._was_backed = False
            self.back()

    def _take_back(self) -> None:
        self._was_backed, self._backstop_set = self._backstop_set, False
        if self._was_backed:
            faulthandler.cancel_dump_traceback_later()

    def leave(self) -> None:
        """Leave the time to the parent, in a forked process."""
        self._ends.clear()
        self._kept.clear()
        self._call = None
        self._alarm.leave()
        atexit.unregister(self._leave_to_backstop)
        self._close_stderr()

    def _close_stderr(self) -> None:
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None

    # Time

    def _set_alarm(self) -> bool:
        """Set the alarm to what is next; return whether there is any, and it could."""
        call = self._call
        due = [*self._ends.values(), *(() if call is None else (call[0],))]
        return bool(due) and self._alarm.set(min(due) - clock.now())

    def _have_watched(self, unit: Unit, seconds: float) -> None:
        # A launcher that is used outside the main thread.
        try:
            self._threads.start_new_thread(self._watch, (unit, seconds))
        except RuntimeError:
            LOG.exception("Nothing keeps the time of the end: no thread can be had")

    def _watch(self, unit: Unit, seconds: float) -> None:
        """Wait, in a native thread, where no alarm can be set."""
        never = self._threads.allocate_lock()
        never.acquire()
        end = self._ends.get(unit)
        never.acquire(timeout=times.bounded(seconds))
        if end is not None and self._ends.get(unit) == end:
            self._expire()

    def _ring(self) -> None:
        if self._expired:
            self._exit()  # whoever had something to say has had the time for it
        now = clock.now()
        if self._call is not None and self._call[0] <= now:
            (_, call), self._call = self._call, None
            call()
        if any(end <= now for end in self._ends.values()):
            self._expire()
        self._set_alarm()

    def _expire(self) -> NoReturn:
        """Act, then talk, but not for long."""
        self._expired = True
        self._kill_workers()
        self._alarm.set(_LAST_WORDS)
        if self._backstop_set:  # it would cut the last words short
            self._set_backstop(_LAST_WORDS + _BACKSTOP)
        interpreter_exit.kill_children()
        try:
            open_sockets.close_at_end()  # whose files would stay behind
            self._say_what_runs()
            self._dump_stacks()
            streams.flush()
        finally:
            os._exit(1)

    def _exit(self) -> NoReturn:
        """Close what listens, and end, also where that is held up."""
        if not self._exiting:
            self._exiting = True
            self._alarm.set(_LAST_WORDS)
            with contextlib.suppress(Exception):
                open_sockets.close_at_end()
        os._exit(1)

    def _say_what_runs(self) -> None:
        now = clock.now()
        work = self._look()
        for unit, end in list(self._ends.items()):
            if end <= now:
                LOG.error(
                    "graceful_shutdown_timeout: after %g s still running: %s; process"
                    " %d ends with status 1",
                    *(self._seconds[unit], self._what_runs(unit, work), os.getpid()),
                )
        self._show(work)

    def _show(self, work: list[work_items.WorkItem]) -> None:
        """Write where the work is: there is no room for all of very much."""
        room = _SHOWN
        for one in work:
            text = f"{one}\n{one.stack}\n\n"
            room -= len(text)
            if room < 0:
                self._write("... and more\n")
                break
            self._write(text)

    @staticmethod
    def _look() -> list[work_items.WorkItem]:
        try:
            return work_items.look(stacks=True)
        except Exception:
            LOG.exception("What is in progress cannot be found out")
            return []

    def _what_runs(self, unit: Unit, work: list[work_items.WorkItem]) -> str:
        if unit.ended.is_set():
            return interpreter_exit.describe(
                {task.name for task in self._driver.running}
            )
        named = ", ".join(str(one) for one in work)
        return ", ".join(filter(None, (unit.still_running(), named))) or "nothing"

    def _write(self, text: str) -> None:
        """Write to where the stacks go."""
        file = self._file()
        write = self._driver.original("os").write  # another one waits for its turn
        try:
            write(file if isinstance(file, int) else file.fileno(), text.encode())
        except (OSError, ValueError, AttributeError):
            LOG.error("%s", text)  # noqa: TRY400 - of this there is nothing to show

    def _dump_stacks(self) -> None:
        try:
            faulthandler.dump_traceback(self._file(), all_threads=True)
        except _NO_BACKSTOP as exc:
            LOG.debug("There is nowhere to write the stacks to: %s", exc)

    def _file(self) -> Any:
        fd = self._stacks_fd()
        if fd is not None:
            return fd
        return sys.stderr if self._stderr is None else self._stderr


def _open_stderr() -> int | None:
    """Return a descriptor of the standard error that blocks nobody, where possible.

    faulthandler writes until all is written: to a pipe that nobody reads for ever.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return os.open("/proc/self/fd/2", flags)
    except OSError:
        return None
