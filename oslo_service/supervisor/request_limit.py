# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How many requests a worker answers before it is recycled."""

import itertools
import random
from collections.abc import Callable

from oslo_service.supervisor.configuration import Settings

__all__ = ("RequestLimit",)


class RequestLimit:
    """Counts the requests that a worker has answered.

    :param settings: say how many it may.
    :param tell: called once, when it has.
    """

    def __init__(self, settings: Settings, tell: Callable[[], object]) -> None:
        self._settings = settings
        self._tell = tell
        self._chance = random.random()  # noqa: S311 - no secret
        self._numbers = itertools.count(1)
        self._told = False

    def count(self) -> None:
        """Record that one has been answered; thread-safe."""
        limits = self._settings.limits
        if not limits.worker_max_requests or self._told:
            return
        # Each worker has its own limit, or all would be replaced together.
        most = limits.worker_max_requests * (1 - limits.worker_jitter * self._chance)
        if next(self._numbers) >= most:
            self._told = True
            self._tell()
