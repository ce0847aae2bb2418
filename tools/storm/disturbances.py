# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is done to the service: everything at the edge, at random."""

import contextlib
import errno
import heapq
import itertools
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable

import clients
import processes
from ledger import Ledger
from subject import Subject

__all__ = ("Disturbances",)

# Harmless by themselves, in any number.
_PARENTS = ("USR1", "WINCH", "CHLD", "CONT", "PIPE", "ALRM", "URG", "IO", "VTALRM")
_WORKERS = ("USR1", "USR2", "INT", *_PARENTS)
_GROUPS = ("USR1", "WINCH", "CHLD", "URG")
_CONFIGURATIONS = ("broken.conf", "fifo.conf", "absent.conf")
_SCARCE = {
    "descriptors": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,  # and threads
}
_MEMORY = {"memory": resource.RLIMIT_AS}


class Disturbances:
    """Disturbs a service, and takes it back.

    :param subject: the service.
    :param ledger: is told of each.
    :param rng: decides.
    :param memory: whether memory is taken away, too.
    """

    def __init__(
        self, subject: Subject, ledger: Ledger, rng: random.Random, *, memory: bool
    ) -> None:
        self._subject = subject
        self._ledger = ledger
        self._rng = rng
        self._scarce_kinds = _SCARCE | _MEMORY if memory else _SCARCE
        self._held: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._limits: dict[int, tuple[int, int]] = {}
        self._scarce: set[int] = set()
        self._stopped: set[int] = set()
        table: dict[Callable[[], object], float] = {
            self._signal_parent: 350,
            self._signal_worker: 500,
            self._signal_group: 40,
            self._signal_often: 15,
            self._have_child_in_parent: 3,
            self._have_child_in_worker: 4,
            self._reload_parent: 1.5,
            self._reload_parent_often: 0.3,
            self._reload_worker: 3,
            self._kill_worker: 5,
            self._terminate_worker: 2,
            self._stop_worker: 3,
            self._stop_parent: 1,
            self._take_from_parent: 2,
            self._take_from_worker: 3,
            self._stall_log: 1.5,
            self._spoil_configuration: 2,
            self._step_clock: 20,
            self._slow_down: 2,
            self._make_fail: 0.7,
        }
        if subject.disk is not None:
            table[self._fill_disk] = 1
        self._kinds, self._weights = list(table), list(table.values())

    def disturb(self) -> None:
        """Do one thing; take back what has lasted long enough."""
        while self._held and self._held[0][0] <= time.monotonic():
            heapq.heappop(self._held)[2]()
        with contextlib.suppress(ProcessLookupError):
            self._rng.choices(self._kinds, self._weights)[0]()

    def take_back(self) -> None:
        """Take everything back, also from what has inherited it."""
        while self._held:
            heapq.heappop(self._held)[2]()
        self.give_back()

    def give_back(self) -> None:
        """Give back what workers may have inherited, and wake who waits."""
        for pid in self._subject.children():
            for what in self._scarce_kinds.values():
                self._give(pid, what)
        self._wake_readers()

    def _hold(self, undo: Callable[[], object], longest: float) -> None:
        until = time.monotonic() + self._rng.uniform(0, longest)
        heapq.heappush(self._held, (until, next(self._numbers), undo))

    # Signals

    def _signal_parent(self) -> None:
        self._kill(self._subject.pid, self._rng.choice(_PARENTS), "parent")

    def _signal_worker(self) -> None:
        self._kill(self._worker(), self._rng.choice(_WORKERS), "worker")

    def _signal_group(self) -> None:
        name = self._rng.choice(_GROUPS)
        self._ledger.did(f"SIG{name} to the group")
        os.killpg(self._subject.pid, getattr(signal, f"SIG{name}"))

    def _signal_often(self) -> None:
        signal_one = self._rng.choice((self._signal_parent, self._signal_worker))
        for _ in range(50):
            signal_one()

    def _have_child_in_parent(self) -> None:
        self._kill(self._subject.pid, "USR2", "parent")

    def _have_child_in_worker(self) -> None:
        what = self._rng.choice(("fork", "execute", "multiprocess"))
        self._ledger.did(f"child of a worker: {what}")
        threading.Thread(
            target=clients.ask, args=(self._subject.socket, what), daemon=True
        ).start()

    def _reload_parent(self) -> None:
        self._kill(self._subject.pid, "HUP", "parent")

    def _reload_parent_often(self) -> None:
        for _ in range(20):
            self._kill(self._subject.pid, "HUP", "parent")
            if self._rng.random() < 0.3:
                time.sleep(0.001)

    def _reload_worker(self) -> None:
        self._kill(self._worker(), "HUP", "worker")

    def _kill_worker(self) -> None:
        pid = self._worker()
        self._ledger.kills(pid)
        self._kill(pid, "KILL", "worker")

    def _terminate_worker(self) -> None:
        self._kill(self._worker(), "TERM", "worker")

    def _stop_worker(self) -> None:
        self._stop(self._worker(), "worker", 0.7)

    def _stop_parent(self) -> None:
        self._stop(self._subject.pid, "parent", 0.5)

    def _stop(self, pid: int, whom: str, longest: float) -> None:
        self._kill(pid, "STOP", whom)
        self._hold(lambda: self._go_on(pid, whom), longest)

    def _go_on(self, pid: int, whom: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._kill(pid, "CONT", whom)

    def _worker(self) -> int:
        children = [
            pid for pid in self._subject.children() if pid not in self._ledger.foreign
        ]
        if not children:
            raise ProcessLookupError(errno.ESRCH, "there is no worker")
        return self._rng.choice(children)

    def _kill(self, pid: int, name: str, whom: str) -> None:
        self._ledger.did(f"SIG{name} to {whom}", str(pid))
        os.kill(pid, getattr(signal, f"SIG{name}"))

    # What is scarce

    def _take_from_parent(self) -> None:
        self._take(self._subject.pid, "the parent")

    def _take_from_worker(self) -> None:
        self._take(self._worker(), "a worker")

    def _take(self, pid: int, whom: str) -> None:
        what = self._rng.choice(list(self._scarce_kinds))
        limit = self._scarce_kinds[what]
        most = self._rng.choice((0, 0, self._rng.randrange(64)))
        if limit == resource.RLIMIT_AS:
            # Nothing beyond what it has, or a few pages, or no thread's stack.
            most = processes.address_space(pid) + most * 65_536
        self._ledger.begin_scarcity()
        _, hard = resource.prlimit(pid, limit)
        self._limits.setdefault(limit, resource.prlimit(pid, limit))
        self._ledger.did(f"{what} of {whom}", f"{pid}: {most}")
        resource.prlimit(pid, limit, (most, hard))
        self._scarce.add(pid)
        self._hold(lambda: self._give_to(pid, limit), 0.5)

    def _give_to(self, pid: int, limit: int) -> None:
        for one in (pid, *self._subject.children()):
            self._give(one, limit)
        self._scarce.discard(pid)
        if not self._scarce:
            self._ledger.end_scarcity()

    def _give(self, pid: int, limit: int) -> None:
        if limit in self._limits:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, limit, self._limits[limit])

    def _fill_disk(self) -> None:
        filler = self._subject.place / "disk" / "filler"
        self._ledger.did("full disk")
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(65_536))
        self._hold(self._clear_disk, 1.0)

    def _clear_disk(self) -> None:
        disk = self._subject.place / "disk"
        (disk / "filler").unlink(missing_ok=True)
        os.truncate(disk / "log", 0)

    # What it reads and writes

    def _stall_log(self) -> None:
        self._ledger.did("log that nobody reads")
        self._subject.reading.clear()
        self._hold(self._subject.reading.set, 0.8)

    def _spoil_configuration(self) -> None:
        what = self._rng.choice(_CONFIGURATIONS)
        self._ledger.did(f"configuration: {what}")
        self._configure(what)
        with contextlib.suppress(ProcessLookupError):
            self._kill(self._subject.pid, "HUP", "parent")
        self._hold(lambda: self._configure("good.conf"), 0.6)

    def block_configuration(self) -> None:
        """Have the parent read a configuration that never comes."""
        self._configure("fifo.conf")
        self._kill(self._subject.pid, "HUP", "parent")

    def _configure(self, name: str) -> None:
        new = self._subject.place / "new.conf"
        new.unlink(missing_ok=True)
        new.symlink_to(name)
        new.replace(self._subject.place / "conf")
        self._wake_readers()

    def _wake_readers(self) -> None:
        """Let who has opened the FIFO find it empty."""
        with contextlib.suppress(OSError):  # nobody has
            flags = os.O_WRONLY | os.O_NONBLOCK
            os.close(os.open(self._subject.place / "fifo.conf", flags))

    # What the service does

    def _step_clock(self) -> None:
        self._ledger.did("step of the wall clock")
        self._subject.board.set(
            "clock", self._rng.choice((-1, 1)) * 10 ** self._rng.uniform(0, 6)
        )

    def _slow_down(self) -> None:
        method = self._rng.choice(("start", "stop", "wait"))
        self._ledger.did(f"slow {method}()")
        self._control(f"{method}_delay", self._rng.uniform(0, 0.7))

    def _make_fail(self) -> None:
        method = self._rng.choice(("start", "stop", "wait"))
        self._ledger.did(f"failing {method}()")
        self._control(f"{method}_fails", self._rng.choice((0.3, 1.0)))

    def _control(self, name: str, value: float) -> None:
        self._subject.board.set(name, value)
        self._hold(lambda: self._subject.board.set(name, 0.0), 0.8)
