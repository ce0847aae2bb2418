# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How the service is told to end, and what must become of it then."""

import contextlib
import os
import random
import re
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

import processes
from disturbances import Disturbances
from invariants import Invariants
from ledger import Ledger, Violation
from patience import Patience
from subject import LIMIT, WORKERS, Subject

__all__ = ("STORMY", "Ending")

# What an end may take beyond the service's own limit, in seconds.
_GRACE = 2.0
# How long a process that is past its limit may take to say so, in seconds.
_LAST_WORDS = 1.0
# How long what is ended at once may take, in seconds.
_AT_ONCE = 2.0
# How long what is nobody's business may be left, in seconds.
_FOREIGN = 3.0
# What a machine may hold up before an orderly end cannot be expected, in seconds.
_HELD_UP = 1.0

#: The way that is in the middle of disturbances.
STORMY = "in a storm"
# How often that one is taken.
_STORMY = 0.4


class Expected(NamedTuple):
    """What is to become of it.

    :ivar statuses: any of them.
    :ivar within: after how many seconds at most.
    :ivar clean: whether the file of its socket is to be gone.
    """

    statuses: tuple[int, ...]
    within: float = LIMIT + _GRACE
    clean: bool = True


class Ending:
    """Ends a service, in one way or another.

    :param subject: the service.
    :param ledger: is told of it.
    :param disturbances: what may go on meanwhile.
    :param rng: decides.
    """

    def __init__(
        self,
        subject: Subject,
        ledger: Ledger,
        disturbances: Disturbances,
        rng: random.Random,
    ) -> None:
        self._subject = subject
        self._ledger = ledger
        self._disturbances = disturbances
        self._rng = rng
        self._meanwhile: Callable[[], object] = lambda: None
        self._check = Invariants(subject, ledger)
        self._begun = Patience()
        self._ways: dict[str, Callable[[], Expected]] = {
            "terminated": self._terminated,
            "group terminated": self._group_terminated,
            "terminated twice": self._terminated_twice,
            "terminated impatiently": self._impatiently,
            "interrupted": self._interrupted,
            "hanging": self._hanging,
            "a worker is stopped": self._worker_stopped,
            "nobody reads the log": self._nobody_reads,
            "the configuration blocks": self._configuration_blocks,
            "the parent is killed": self._orphaned,
            STORMY: self._in_storm,
        }

    def choose(self) -> str:
        """Return a way to end it."""
        if self._rng.random() < _STORMY:
            return STORMY
        return self._rng.choice(list(self._ways))

    def end(self, how: str) -> None:
        """End it.

        :param how: which way, of those that :meth:`choose` returns.
        :raises Violation: it does not end as it should.
        """
        self._ledger.ending_since = time.monotonic()
        self._ledger.did(f"end: {how}")
        self._begun = Patience()
        serving = self._ledger.serving(self._subject.children())
        expected = self._ways[how]()
        if len(serving) < WORKERS and 1 in expected.statuses:
            # There may be nothing yet that could be late.
            expected = expected._replace(statuses=(*expected.statuses, 0))
        self._await_end(expected)
        self._disturbances.take_back()
        if 0 in expected.statuses and self._has_failed(serving):
            expected = expected._replace(statuses=(*expected.statuses, 1))
        self._check_status(expected)
        self._check_left(expected)

    def _has_failed(self, pids: list[int]) -> bool:
        """Whether a method has failed in one of these, which ends with status 1.

        In a worker that was told to reload it fails, and the worker goes on.
        """
        failed = re.compile(r"ERROR (\d+) \w+\(\) of \S+ failed")
        found = (failed.search(line) for line in self._subject.log)
        return any(one is not None and int(one[1]) in pids for one in found)

    def _await_end(self, expected: Expected) -> None:
        while self._subject.alive:
            if self._begun.used > expected.within:
                raise Violation(
                    f"it has not ended within {expected.within} s (waited for"
                    f" {self._begun.elapsed:.1f}): {self._names(self._subject.left())}"
                )
            self._subject.hear()
            if self._ledger.status is None:  # else it is a program like any other
                self._meanwhile()
            time.sleep(0.003)

    def _check_status(self, expected: Expected) -> None:
        status = self._subject.process.returncode
        statuses = expected.statuses
        if self._begun.stalled > _HELD_UP and 0 in statuses:
            statuses = (*statuses, 1)
        if status not in statuses:
            raise Violation(f"it has ended with status {status}, not {statuses}")
        if expected.clean and status == 0 and self._subject.socket.exists():
            raise Violation("the file of its socket is left")

    def _check_left(self, expected: Expected) -> None:
        orphaned = self._subject.process.returncode == -signal.SIGKILL
        self._await_gone(
            lambda: set(self._subject.left()) - self._ledger.foreign,
            expected.within if orphaned else _AT_ONCE / 2,
        )
        self._await_gone(lambda: set(self._subject.left()), _FOREIGN)

    def _await_gone(self, left: Callable[[], set[int]], seconds: float) -> None:
        patience = Patience()
        while found := left():
            if patience.used > seconds:
                raise Violation(f"left behind: {self._names(found)}")
            self._subject.hear()
            time.sleep(0.02)

    @staticmethod
    def _names(pids: "set[int] | list[int]") -> list[str]:
        return [processes.command(pid) for pid in pids]

    def _send(self, signum: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._subject.pid, signum)

    # The ways

    def _terminated(self) -> Expected:
        self._send(signal.SIGTERM)
        return Expected((0,))

    def _group_terminated(self) -> Expected:
        os.killpg(self._subject.pid, signal.SIGTERM)
        return Expected((0,))

    def _terminated_twice(self) -> Expected:
        self._send(signal.SIGTERM)
        time.sleep(self._rng.uniform(0, 0.3))
        if self._ledger.status is None:
            self._send(signal.SIGTERM)
        return Expected((0, -signal.SIGTERM))

    def _impatiently(self) -> Expected:
        self._subject.board.set("wait_delay", LIMIT - 1)
        self._send(signal.SIGTERM)
        time.sleep(1.3)
        self._ledger.forced = True
        self._send(signal.SIGTERM)
        return Expected((1,), 1.3 + _AT_ONCE)

    def _interrupted(self) -> Expected:
        self._ledger.forced = True
        self._send(signal.SIGINT)
        return Expected((1,), _AT_ONCE)

    def _hanging(self) -> Expected:
        self._subject.board.set(self._rng.choice(("stop_delay", "wait_delay")), 600)
        self._send(signal.SIGTERM)
        return Expected((1,))

    def _worker_stopped(self) -> Expected:
        workers = self._ledger.serving(self._subject.children())
        if workers:
            os.kill(self._rng.choice(workers), signal.SIGSTOP)
        self._send(signal.SIGTERM)
        return Expected((1,))

    def _nobody_reads(self) -> Expected:
        self._subject.reading.clear()
        time.sleep(self._rng.uniform(0, 0.5))
        self._send(signal.SIGTERM)
        return Expected((0, 1))

    def _configuration_blocks(self) -> Expected:
        self._disturbances.block_configuration()
        time.sleep(self._rng.uniform(0, 0.2))
        self._send(signal.SIGTERM)
        return Expected((0, 1), LIMIT + _GRACE + _LAST_WORDS, clean=False)

    def _orphaned(self) -> Expected:
        self._send(signal.SIGKILL)
        return Expected((-signal.SIGKILL,), clean=False)

    def _in_storm(self) -> Expected:
        self._meanwhile = self._disturbances.disturb
        self._send(signal.SIGTERM)
        return Expected((0, 1), LIMIT + _GRACE + 0.5, clean=False)
