# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What must be true of the service in calm, however stormy it was before."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import processes
from clients import Answer, Clients, ask
from ledger import Ledger, Violation
from patience import Patience
from subject import LIMIT, WORKERS, Subject

__all__ = ("Invariants",)

# How long the service itself may still be about something slow, in seconds.
_SLOW = 1.5
# Within what time what is healthy does something, in seconds.
_PROMPT = 2.0
_REQUESTS = 12
# What a worker does all the time, and when it is sent a signal.
_COUNTED = ("loop", "timer", "usr1")
# By how much a parent's memory may grow, in KiB: at all, and for each event.
_GROWTH, _GROWTH_BY_EVENT = 4096, 0.1
# Likewise where it has the endpoint: a thousand events, and what a crowd is answered.
_ENDPOINT = 8192


class Invariants:
    """Checks a service.

    :param subject: the service.
    :param ledger: knows what was done to it.
    """

    def __init__(self, subject: Subject, ledger: Ledger) -> None:
        self._subject = subject
        self._ledger = ledger
        self._size: processes.Size | None = None
        self._events_before = 0

    def check_parent(self) -> None:
        """Check that the parent lives, and what has been recorded."""
        self._subject.hear()
        if not self._subject.alive:
            status = self._subject.process.returncode
            raise Violation(f"the parent has ended with status {status}")
        if self._ledger.violations:
            raise Violation("; ".join(self._ledger.violations))

    def await_(
        self,
        condition: Callable[[], object],
        limit: Callable[[], float],
        what: Callable[[], str],
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Wait until something is so.

        :param limit: returns for how long, in seconds that count.
        :param what: returns what it is, and how far it is from that.
        :raises Violation: it is not, or the parent has ended.
        """
        patience = Patience()
        while True:
            self.check_parent()
            if condition():
                return
            if patience.used > limit():
                raise Violation(
                    f"not within {limit():.1f} s (waited for {patience.elapsed:.1f},"
                    f" of which {patience.stalled:.1f} do not count): {what()}"
                )
            meanwhile()
            time.sleep(0.02)

    def check_capacity(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Check that all workers are there, and do what they should."""
        since = time.monotonic()
        known: dict[int, dict[str, int]] = {}
        self.await_(
            lambda: self._all_well(known),
            lambda: self._ledger.longest_wait(since) + _SLOW,
            lambda: (
                f"{WORKERS} workers serve, of {self._children()}: {self._idle(known)}"
            ),
            meanwhile,
        )
        self._check_http()
        self.await_(
            lambda: set(self._children()) <= {*self._serving(), *self._ledger.foreign},
            lambda: LIMIT + _PROMPT,
            lambda: (
                f"workers that were replaced are gone: {self._children()}, of"
                f" which {self._serving()} serve"
            ),
        )

    def _all_well(self, known: dict[int, dict[str, int]]) -> bool:
        """Whether the workers are complete, and do something each time.

        :param known: what each has counted when it was first looked at.
        """
        serving = self._serving()
        for pid in (self._subject.pid, *serving):
            if pid not in known:
                known[pid] = self._subject.board.counts(pid)
                self._ledger.did("SIGUSR1 that must be handled", f"{pid}")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGUSR1)
        return len(serving) == WORKERS and not self._idle(known)

    def _idle(self, known: dict[int, dict[str, int]]) -> dict[int, list[str]]:
        """Return what each does not do."""
        idle = {
            pid: self._idle_at(pid, known[pid], _COUNTED)
            for pid in self._serving()
            if pid in known
        }
        idle[self._subject.pid] = self._idle_at(
            self._subject.pid, known[self._subject.pid], ("usr1",)
        )
        return {pid: what for pid, what in idle.items() if what}

    def _idle_at(
        self, pid: int, before: dict[str, int], whats: tuple[str, ...]
    ) -> list[str]:
        counts = self._subject.board.counts(pid)
        return [what for what in whats if counts[what] <= before[what]]

    def _children(self) -> list[int]:
        return self._subject.children()

    def _serving(self) -> list[int]:
        return self._ledger.serving(self._children())

    def _check_http(self) -> None:
        with ThreadPoolExecutor(_REQUESTS) as pool:
            asked = [
                pool.submit(ask, self._subject.socket, "slow") for _ in range(_REQUESTS)
            ]
            self.await_(
                lambda: all(one.done() for one in asked),
                lambda: 2 * _PROMPT,
                lambda: "requests are answered",
            )
        bad = [one.result() for one in asked if one.result().status != 200]
        if bad:
            raise Violation(f"requests in calm are not answered: {bad}")

    def check_growth(self) -> None:
        """Check that the parent holds no more than when it was first asked."""
        events = self._ledger.done.total()
        if self._size is None:
            self._size = processes.size(self._subject.pid)
            self._events_before = events
            return
        first, events = self._size, events - self._events_before
        most = first.memory + _GROWTH + _GROWTH_BY_EVENT * events
        if self._subject.admin is not None:
            most += _ENDPOINT

        def size() -> processes.Size:
            return processes.size(self._subject.pid) or first

        def fits() -> bool:
            now = size()
            few = now.descriptors <= first.descriptors + 1
            return few and now.threads <= first.threads and now.memory <= most

        # It may not have seen yet that clients of its endpoint are gone.
        self.await_(
            fits,
            lambda: _PROMPT,
            lambda: f"the parent grows: from {first} to {size()} in {events} events",
        )

    def check_requests(self, users: Clients) -> None:
        """Check that no request was lost without a reason."""
        self._subject.hear()
        unexcused: list[Answer] = [
            one
            for one in users.take_lost()
            if not self._ledger.excuse(one.client, one.begun)
        ]
        if unexcused:
            by = {
                one.client: self._ledger.accepted.get(one.client) for one in unexcused
            }
            raise Violation(f"requests are lost: {unexcused}, accepted by {by}")
