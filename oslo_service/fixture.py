# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the tests of projects that use this library.

They are fixtures of the package ``fixtures``, for ``useFixture()``, and
context managers.
"""

import contextvars
import types
from unittest import mock

from oslo_service import backend
from oslo_service._common.extras import need
from oslo_service.backend import _state
from oslo_service.backend.base import Driver
from oslo_service.loops import clock, looping_call
from oslo_service.loops.looping_call import LoopingCallBase
from oslo_service.loops.manual_clock import ManualClock

need("fixtures", "test")
import fixtures  # noqa: E402

__all__ = ("BackendFixture", "ClockFixture", "SleepFixture")


class BackendFixture(fixtures.Fixture):
    """Selects a driver; afterwards, the one that was selected before is again.

    All launchers, loops and groups of the test should have ended by then.

    :param type_: what :func:`oslo_service.backend.init_backend` takes.
    :ivar driver: the driver.
    :raises UnsupportedBackendError: there is no such driver, or it cannot be
        used in this process.
    """

    driver: Driver

    def __init__(self, type_: backend.BackendType | str) -> None:
        super().__init__()
        self._type = type_

    def setUp(self) -> None:
        """Select the driver."""
        super().setUp()
        self.addCleanup(_state.set_aside())
        try:
            backend.init_backend(self._type)
        except BaseException:
            self.cleanUp()
            raise
        self.driver = backend.get_backend()


class SleepFixture(fixtures.Fixture):
    """Looping calls and retries that do not pause.

    Where they would pause, they let other tasks run and go on, as if the time had
    passed: the time of each of them consists of its pauses.

    :ivar mock_wait: a :class:`~unittest.mock.MagicMock` that is called with
        the seconds of each pause. What it raises is raised in the task that
        would pause.
    """

    mock_wait: mock.MagicMock

    def _setUp(self) -> None:  # noqa: N802 - theirs
        self.mock_wait = mock.MagicMock(name="wait")
        sleep, pretended = LoopingCallBase._sleep, _PausesCount()

        def pretend(loop: LoopingCallBase, timeout: float) -> None:
            pretended.add(timeout)
            self.mock_wait(round(timeout, 6))
            sleep(loop, 0)

        self.addCleanup(pretended.close)
        _put(self, LoopingCallBase, "_sleep", pretend)
        # Not that of periodic tasks: they are due in real time.
        _put(self, looping_call, "clock", types.SimpleNamespace(current=pretended))


class _PausesCount(clock.Clock):
    """A clock that shows each task the sum of its own pauses."""

    def __init__(self) -> None:
        self._began = super().now()
        # Each loop runs in a context of its own.
        self._slept = contextvars.ContextVar("slept", default=0.0)
        self._closed = False

    def now(self) -> float:
        """Return the time in seconds; the real time once it is closed."""
        return super().now() if self._closed else self._began + self._slept.get()

    def add(self, seconds: float) -> None:
        """Advance the time of the calling task."""
        self._slept.set(self._slept.get() + seconds)

    def close(self) -> None:
        """Go on in real time."""
        self._closed = True


class ClockFixture(fixtures.Fixture):
    """A manual clock, under looping calls and what is made of them.

    It is the clock of the looping calls, timers and retries that begin while it
    is in place, and of periodic tasks. They pause until :meth:`advance` has
    gone far enough. Time and sleep are real for all else.

    What has not ended when it is taken away pauses in real time from then on.

    :param patience: how many seconds of real time :meth:`advance` waits for
        the calls that are due at one moment, and a retry for somebody who
        advances the clock.
    """

    def __init__(self, patience: float = 10.0) -> None:
        super().__init__()
        self._patience = patience

    @property
    def elapsed(self) -> float:
        """The seconds by which the clock has been advanced."""
        return self._clock.elapsed

    def advance(self, seconds: float) -> None:
        """Advance the clock, and return when everything due has been done.

        The calls are made in the order of their time, one after the other;
        those of the same time in the order in which their loops were started.
        What a call sees as the time is when it was due.

        The first call of a loop is made by its start, where it has no initial
        delay; this waits for it, too.

        :param seconds: by how much; 0 only waits for the calls in progress.
        :raises ValueError: it is negative.
        :raises RuntimeError: called from inside a looping call.
        :raises TimeoutError: a call has not come to an end in time; the
            message names its loop. One without a pause has none either.
        """
        self._clock.advance(seconds)

    def _setUp(self) -> None:  # noqa: N802 - theirs
        self._clock = ManualClock(self._patience)
        self.addCleanup(self._clock.close)
        _put(self, clock, "current", self._clock)


def _put(fixture: fixtures.Fixture, target: object, name: str, value: object) -> None:
    fixture.useFixture(fixtures.MockPatchObject(target, name, value))
