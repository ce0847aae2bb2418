# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A looping call whose pause can be cut short."""

from collections.abc import Callable

from oslo_service import loopingcall
from oslo_service.backend.base import Driver
from oslo_service.loops import clock

__all__ = ("WakeableLoop",)


class WakeableLoop(loopingcall.DynamicLoopingCall):
    """A looping call whose pause can be cut short.

    :param driver: what it runs on.
    :param call: returns how long to pause, in seconds.
    """

    def __init__(self, driver: Driver, call: Callable[[], float]) -> None:
        super().__init__(call)
        self._woken = clock.current.event(driver)

    def wake(self) -> None:
        """Make the next call at once, or after the one in progress. Non-blocking."""
        self._woken.set()

    def stop(self) -> None:
        """End the loop after the call in progress. Non-blocking."""
        super().stop()
        self.wake()

    def _sleep(self, timeout: float) -> None:
        self._clock.pause(self._woken, timeout)
        self._woken.clear()
