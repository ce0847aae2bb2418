# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One run: programs of a cluster, what is done to them, and what came of it."""

import contextlib
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from oslo_service.testing.proxy import Proxy
from oslo_service.testing.servers import SERVERS, Server, ZooKeeper

import checker
import outcome
from disturbances import LASTING, Disturbances
from history import History, Stall, Terms
from hosts import Host
from outages import Outages
from record import Record
from subject import Plan, Program

__all__ = ("BACKENDS", "FILES", "Chaos", "Violation")

FILES = "file"
#: What the cluster can be on.
BACKENDS = (*SERVERS, FILES)
#: How many workers each program has, for the periodic tasks.
WORKERS = (2, 2, 1)
# How long it may take until all is as it is to be, in seconds, and in leases.
_STARTING, _LEASES = 30.0, 4
# How long nothing is done between two disturbances, at most, in leases; and how often
# none is waited for.
_CALM, _AT_ONCE = 0.5, 0.2
_PRESSURE = Path("/proc/pressure/cpu")
_TELLING = 6000


class Violation(Exception):
    """A promise was broken; says which, and what was done before."""


class Chaos:
    """A run.

    :param backend: of :data:`BACKENDS`.
    :param driver: that the programs run on.
    :param seed: of everything that is done at random.
    :param interval: between due times, in seconds.
    :param lease: in seconds.
    :param hosts: whether the programs are on two hosts, where that can be.
    :param script: the names of what is done, in this order; none: at random.
    :param lasting: how long it lasts, in leases: at least, and at most.
    :param fault: what the programs do wrong, of :mod:`faults`; None: nothing.
    :param say: takes lines of progress.
    """

    def __init__(
        self,
        backend: str,
        driver: str,
        seed: int,
        interval: float = 0.25,
        lease: int = 5,
        hosts: bool = True,
        script: Sequence[str] = (),
        lasting: tuple[float, float] = LASTING,
        fault: str | None = None,
        say: Callable[[str], object] = lambda _line: None,
    ) -> None:
        self._backend = backend
        self._plan = Plan(driver, interval, lease, 1, fault)
        self._rng = random.Random(f"{seed} {backend} {driver}")
        self._hosts = hosts and backend != FILES
        self._script = list(script)
        self._lasting = lasting
        self._say = say
        self._terms = Terms(interval, lease, leased=backend != FILES)
        self._stalls: list[Stall] = []

    def run(self, due_times: int) -> outcome.Figures:
        """Disturb for so many due times, and until all that is asked for is done.

        :raises Violation: a promise was broken.
        """
        with (
            tempfile.TemporaryDirectory(prefix="chaos-") as name,
            contextlib.ExitStack() as running,
        ):
            place = Path(name)
            self._path = place / "record"
            self._record = Record(self._path)
            running.callback(self._record.close)
            server = self._start_server(place, running)
            self._programs = list(self._make_programs(place, server, running))
            what = (self._programs, self._record, self._path)
            how = (self._plan.lease, self._rng, self._lasting)
            self._disturbances = (
                Disturbances(*what, *how)
                if server is None
                else Outages(server, *what, *how)
            )
            running.enter_context(self._watched())
            return self._run(due_times)

    def _start_server(
        self, place: Path, running: contextlib.ExitStack
    ) -> Server | None:
        if self._backend == FILES:
            return None
        (home := place / "server").mkdir()
        server = SERVERS[self._backend](home)
        if isinstance(server, ZooKeeper):
            # It counts in ticks.
            self._terms = self._terms._replace(prompt=1.0 + server.tick)
        return running.enter_context(server)

    def _make_programs(
        self, place: Path, server: Server | None, running: contextlib.ExitStack
    ) -> Iterator[Program]:
        hosts = self._make_hosts(running)
        for number, workers in enumerate(WORKERS):
            plan = self._plan._replace(workers=workers)
            host = hosts[number % len(hosts)] if hosts else None
            proxy = None
            url = f"file://{place}/files"
            if server is not None:
                listens = "127.0.0.1" if host is None else host.address
                proxy = running.enter_context(
                    Proxy(("127.0.0.1", server.port), listens)
                )
                url = server.url_of(*proxy.address)
            program = Program(number, plan, place, url, proxy, host)
            running.callback(program.end)
            program.start()
            yield program

    def _make_hosts(self, running: contextlib.ExitStack) -> list[Host]:
        if not self._hosts:
            return []
        try:
            return [running.enter_context(Host(number)) for number in range(2)]
        except OSError as exc:
            self._say(f"all on one host: {exc}")
            return []

    # The run

    def _run(self, due_times: int) -> outcome.Figures:
        try:
            self._settle()
            begin = time.time()
            self._disturb(begin, begin + due_times * self._plan.interval)
        except AssertionError as exc:
            raise Violation(self._report([str(exc)])) from None
        end = time.time() - self._plan.interval
        self._end()
        told = self._record, self._disturbances
        history = outcome.history(*told, self._stalls, begin, end)
        wrong = checker.check(history, self._terms, *outcome.TASKS)
        if wrong:
            raise Violation(self._report(wrong))
        return outcome.figures(history, *told, self._plan.interval, self._plan.lease)

    def _disturb(self, begin: float, end: float) -> None:
        while time.time() < end or self._script:
            name = self._script.pop(0) if self._script else None
            done = self._disturbances.disturb(name)
            self._say(f"{time.time() - begin:7.1f} {done}")
            if self._rng.random() >= _AT_ONCE:
                self._settle()
                time.sleep(self._rng.uniform(0, _CALM * self._plan.lease))
        self._settle()

    def _settle(self) -> None:
        """Wait until somebody runs the tasks, and the single service.

        :raises AssertionError: nobody does.
        """
        begun = time.time()
        limit = _STARTING + _LEASES * self._plan.lease
        while not self._is_settled():
            stalled = History(0, 0, stalls=self._stalls).stalled(begun, time.time())
            assert time.time() < begun + limit + stalled, "nobody leads for long"
            time.sleep(0.05)

    def _is_settled(self) -> bool:
        self._record.read()
        recent = time.time() - max(3 * self._plan.interval, 1.0)
        begun = {
            line["task"]
            for line in self._record.lines[-200:]
            if line["what"] == "begin" and line["at"] > recent
        }
        alone = self._record.alone
        everybody = {pid for one in self._programs for pid in one.workers}
        return (
            begun == set(outcome.TASKS)
            and bool(alone)
            and alone[-1].end is None
            and alone[-1].pid in everybody
            and len(everybody) == sum(WORKERS) + len(WORKERS)
        )

    def _end(self) -> None:
        wrong = [
            f"program {one.number} ends with {status}"
            for one in self._programs
            if (status := one.stop()) != 0
        ]
        if wrong:
            raise Violation(self._report(wrong))

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Note how busy the machine is, from a thread."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                with contextlib.suppress(OSError):
                    text = _PRESSURE.read_text(encoding="ascii")
                    total = int(text.partition("total=")[2].split()[0]) / 1e6
                    self._stalls.append(Stall(time.time(), total))

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    # What came of it

    def _report(self, wrong: list[str]) -> str:
        self._record.read()
        done = [f"{at:.3f} {what}" for at, what in self._disturbances.done[-12:]]
        told = [
            f"{line['at']:.3f} {line}"
            for line in self._record.lines
            if line["what"] not in ("begin", "end")
        ]
        logs = [
            f"--- program {one.number}:\n{one.log[-_TELLING:]}"
            for one in self._programs
        ]
        return "\n".join(
            [*wrong[:20], "--- done:", *done, "--- told:", *told[-60:], *logs]
        )
