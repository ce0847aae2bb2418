# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is done to the programs; each is noted as it is done."""

import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from oslo_service.testing.live import is_alive

from history import KILLED, Death, Outage, Trouble
from record import Record, is_locked
from subject import Program

__all__ = ("LASTING", "WITH_PARENT", "Disturbances")

#: What is done to a process along with its parent.
WITH_PARENT = "paused with its parent"
#: How long something lasts, in leases.
LASTING = (0.2, 1.7)
# How long what was killed may take to be gone, in seconds.
_DYING = 10.0
# How often it is a holder that is disturbed.
_HOLDER = 0.8


class Disturbances:
    """Disturbs at random.

    :param programs: what may be disturbed.
    :param record: tells who holds what.
    :param path: of the record.
    :param lease: in seconds.
    :param rng: decides.
    :param lasting: how long something lasts, in leases: at least, and at most.
    :ivar troubles: what was done to processes.
    :ivar outages: when the server was away.
    :ivar deaths: what has ended without a parent that could tell.
    :ivar done: what was done, in words, and when.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        record: Record,
        path: Path,
        lease: float,
        rng: random.Random,
        lasting: tuple[float, float] = LASTING,
    ) -> None:
        self.troubles: list[Trouble] = []
        self.outages: list[Outage] = []
        self.deaths: list[Death] = []
        self.done: list[tuple[float, str]] = []
        self._programs = programs
        self._record = record
        self._path = path
        self._lease = lease
        self._rng = rng
        self._lasting = lasting
        self._whom = ""

    def disturb(self, name: str | None = None) -> str:
        """Do something; return what, when it is over.

        :param name: what, and after a colon to whom: to who holds ``skip``, the lock
            of the tasks, or ``alone``; None: at random.
        """
        kinds = self._kinds()
        if name is None:
            names = list(kinds)
            name = self._rng.choices(names, [kinds[one][0] for one in names])[0]
        name, _, self._whom = name.partition(":")
        begun = time.time()
        what = kinds[name][1]()
        self.done.append((begun, what))
        return what

    def _kinds(self) -> dict[str, tuple[int, Callable[[], str]]]:
        """Return what can be done, how often among the rest, and how."""
        return {
            "kill": (6, self._kill_worker),
            "pause": (4, self._pause_worker),
            "kill program": (2, self._kill_program),
            "pause program": (2, self._pause_program),
            "stop program": (1, self._stop_program),
            "reload program": (1, self._reload_program),
        }

    # Whom, and for how long

    def _seconds(self) -> float:
        return self._lease * self._rng.uniform(*self._lasting)

    def _worker(self) -> tuple[Program, int]:
        """Return who holds something, mostly."""
        self._record.read()
        everybody = [(one, pid) for one in self._programs for pid in one.workers]
        holders = {self._record.holders.get("skip"), self._record.holders.get("alone")}
        held = [one for one in everybody if one[1] in holders]
        return self._rng.choice(
            held if held and self._rng.random() < 0.8 else everybody
        )

    def _program(self) -> Program:
        return self._worker()[0]

    def _note(self, what: str, pids: Sequence[int], at: float) -> None:
        until = time.time()
        self.troubles += [Trouble(what, pid, at, until) for pid in pids]

    def _note_deaths(self, pids: Sequence[int]) -> None:
        """Note when processes were no more, of which no parent tells."""
        until = time.monotonic() + _DYING
        while any(map(is_alive, pids)) and time.monotonic() < until:
            time.sleep(0.001)
        self.deaths += [Death(pid, time.time()) for pid in pids if not is_alive(pid)]

    # Processes

    def _kill_worker(self) -> str:
        program, pid = self._worker()
        at = time.time()
        program.signal(signal.SIGKILL, [pid])
        self._note(KILLED, [pid], at)
        return f"killed {pid}"

    def _kill_program(self) -> str:
        program = self._program()
        workers, at = program.workers, time.time()
        if self._rng.random() < 0.5:
            what = "killed with its parent"
            program.signal(signal.SIGKILL, [program.pid, *workers])
            self._note_deaths(workers)
        else:
            what = "left by its parent"
            program.signal(signal.SIGKILL, [program.pid])
        self._note(what, workers, at)
        time.sleep(self._rng.uniform(0, self._lease))
        program.end()
        self._note_deaths(workers)
        program.start()
        return f"{what}: {workers}"

    def _pause_worker(self) -> str:
        program, pid = self._worker()
        return self._pause("paused", program, [pid], [pid])

    def _pause_program(self) -> str:
        program = self._program()
        workers = program.workers
        return self._pause(WITH_PARENT, program, [program.pid, *workers], workers)

    def _pause(
        self, what: str, program: Program, pids: list[int], workers: list[int]
    ) -> str:
        at = time.time()
        program.signal(signal.SIGSTOP, pids)
        while is_locked(self._path):
            # One holds the lock of the record, which all are waiting for.
            program.signal(signal.SIGCONT, pids)
            time.sleep(0.01)
            program.signal(signal.SIGSTOP, pids)
        seconds = self._seconds()
        time.sleep(seconds)
        program.signal(signal.SIGCONT, pids)
        self._note(what, workers, at)
        return f"{what}: {workers}, for {seconds:.1f} s"

    def _stop_program(self) -> str:
        program = self._program()
        workers, at = program.workers, time.time()
        status = program.stop()
        self._note("stopped", workers, at)
        assert status == 0, (
            f"program {program.number} ends with {status}\n{program.log}"
        )
        program.start()
        return f"stopped: {workers}"

    def _reload_program(self) -> str:
        program = self._program()
        workers, at = program.workers, time.time()
        program.signal(signal.SIGHUP, [program.pid])
        until = time.monotonic() + 3 * self._lease
        while set(workers) & set(program.workers) and time.monotonic() < until:
            time.sleep(0.05)
        self._note("reloaded", workers, at)
        return f"reloaded: {workers}"
