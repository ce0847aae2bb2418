# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""One life of the service: it starts, is disturbed and left alone, and ends."""

import contextlib
import random
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import processes
from clients import Clients
from disturbances import Disturbances
from endings import STORMY, Ending
from invariants import Invariants
from ledger import Ledger, Violation
from scraper import Scraper
from subject import Plan, Subject

__all__ = ("Life",)

#: How many disturbances there are in a second, at most.
RATE = 1000.0
# How long it may take until all serve for the first time, in seconds.
_STARTING = 20.0
# How long its workers are about to start, in seconds.
_BEING_BORN = 0.3
# How many lines of the log are shown where an invariant is broken.
_TELLING = 200
# How often the record is read, in events.
_HEARING = 20


class Life:
    """A service, from its start to its end.

    :param plan: how it runs.
    :param seed: of everything that is done at random.
    :param disk: a small one; None: there is none.
    :param memory: whether memory is taken away, too.
    :ivar ledger: what was done.
    :ivar answered: how many requests were answered.
    :ivar scraped: how many the admin endpoint has answered, where there is one.
    """

    def __init__(
        self, plan: Plan, seed: int, disk: Path | None = None, *, memory: bool = False
    ) -> None:
        self.plan = plan
        self._disk = disk
        self._memory = memory
        self.seed = seed
        self.ledger = Ledger()
        self.answered = self.scraped = 0
        self._rng = random.Random(seed)
        self._took: list[tuple[str, float]] = []

    def live(self, phases: int, seconds: float, how: str | None = None) -> None:
        """Live.

        :param phases: how often it is disturbed, and left alone; 0: it is ended
            while it starts.
        :param seconds: for how long it is disturbed each time.
        :param how: how it is ended, of :class:`Ending`; None: at random.
        :raises Violation: an invariant is broken; says what was done before.
        """
        with tempfile.TemporaryDirectory(prefix="storm-") as place:
            subject = Subject(self.plan, Path(place), self._disk)
            subject.listeners.append(self.ledger.hear)
            clients = None
            scraper = Scraper(subject.admin, self.seed)
            try:
                clients = Clients(subject.socket, self.seed)
                self._live(subject, clients, scraper, phases, seconds, how)
            except Violation as exc:
                raise Violation(self._report(exc, subject)) from None
            finally:
                scraper.end()
                self.scraped = scraper.answered
                subject.end_by_force()
                if clients is not None:
                    clients.end()
                    self.answered = clients.answered

    def story(self) -> str:
        """Return what it has done, and how long that took, in seconds."""
        return ", ".join(f"{what} {seconds:.1f}" for what, seconds in self._took)

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self._took.append((what, time.monotonic() - begun))

    def _live(
        self,
        subject: Subject,
        clients: Clients,
        scraper: Scraper,
        phases: int,
        seconds: float,
        how: str | None,
    ) -> None:
        invariants = Invariants(subject, self.ledger)
        disturbances = Disturbances(
            subject, self.ledger, self._rng, memory=self._memory
        )
        ending = Ending(subject, self.ledger, disturbances, self._rng)
        with self._timed("start"):
            invariants.await_(
                lambda: self.ledger.launched,
                lambda: _STARTING,
                lambda: "it is launched",
            )
            if phases:
                invariants.check_capacity()
            else:
                time.sleep(self._rng.uniform(0, _BEING_BORN))
        for _ in range(phases):
            self._disturb(disturbances, invariants, seconds)
            with self._timed("calm"):
                disturbances.take_back()
                invariants.check_capacity(disturbances.give_back)
                with scraper.still():
                    invariants.check_growth()
                invariants.check_requests(clients)
        how = how or ending.choose()
        if how == STORMY:
            self._disturb(disturbances, invariants, self._rng.uniform(0, 1))
        with self._timed(how):
            ending.end(how)
        clients.end()
        invariants.check_requests(clients)

    def _disturb(
        self, disturbances: Disturbances, invariants: Invariants, seconds: float
    ) -> None:
        until = time.monotonic() + seconds
        count = 0
        while time.monotonic() < until:
            disturbances.disturb()
            count += 1
            if count % _HEARING == 0:
                invariants.check_parent()
            time.sleep(self._rng.uniform(0, 2 / RATE))

    def _report(self, violation: Violation, subject: Subject) -> str:
        subject.reading.set()
        time.sleep(0.2)
        left = [processes.command(pid) for pid in subject.left()]
        subject.show_stacks()
        time.sleep(0.3)
        lines = [one for one in subject.log if " status: 200 " not in one]
        done = self.ledger.done.total()
        pids = set(re.findall(r"\d+", f"{violation}"))
        return "\n".join(
            (
                f"{violation}",
                f"--- {self.plan}, seed {self.seed}; the last of {done} events:",
                self.ledger.history(f"{violation}"),
                f"--- at {time.monotonic():.3f} there was, of {subject.pid}:",
                *left,
                "--- and it has logged, of those that are named, and last:",
                *[one for one in lines[:-_TELLING] if pids.intersection(one.split())],
                "...",
                *lines[-_TELLING:],
            )
        )
