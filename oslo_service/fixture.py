# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for the tests of projects that use this library.

They are fixtures of the package ``fixtures``, for ``useFixture()``, and
context managers.
"""

import contextvars
import types
from unittest import mock

from oslo_service import _clock, loopingcall
from oslo_service._extras import need

need("fixtures", "test")
import fixtures  # noqa: E402

__all__ = ("SleepFixture",)


class SleepFixture(fixtures.Fixture):
    """Looping calls and retries that do not pause.

    Where they would pause, other tasks have their turn, and they go on, as if
    the time had passed: for each of them it consists of its pauses.

    :ivar mock_wait: a :class:`~unittest.mock.MagicMock` that is called with
        the seconds of each pause. What it raises is raised in the task that
        would pause.
    """

    mock_wait: mock.MagicMock

    def _setUp(self) -> None:  # noqa: N802 - theirs
        self.mock_wait = mock.MagicMock(name="wait")
        sleep, began = loopingcall.LoopingCallBase._sleep, _clock.now()
        # A loop has a context of its own.
        slept = contextvars.ContextVar("slept", default=0.0)

        def pretend(loop: loopingcall.LoopingCallBase, timeout: float) -> None:
            slept.set(slept.get() + timeout)
            self.mock_wait(round(timeout, 6))
            sleep(loop, 0)

        clock = types.SimpleNamespace(now=lambda: began + slept.get())
        for name, stand_in in (("LoopingCallBase._sleep", pretend), ("_clock", clock)):
            self.useFixture(
                fixtures.MonkeyPatch(f"{loopingcall.__name__}.{name}", stand_in)
            )
