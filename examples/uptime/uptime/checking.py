# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Looking at targets, and keeping what was seen."""

import logging
import socket
import threading

from oslo_config import cfg

from oslo_service import service
from uptime import options

LOG = logging.getLogger(__name__)


class Results:
    """Which targets can be reached: written by threads, read by others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._up: dict[str, bool] = {}

    def put(self, target: str, up: bool) -> None:
        """Record whether a target can be reached; log where that is news."""
        with self._lock:
            before = self._up.get(target)
            self._up[target] = up
        if up is not before:
            LOG.info("%s is %s", target, "up" if up else "down")

    def all(self) -> dict[str, bool]:
        """Return whether each target can be reached."""
        with self._lock:
            return dict(self._up)

    def keep(self, targets: list[str]) -> None:
        """Forget all other targets."""
        with self._lock:
            self._up = {one: up for one, up in self._up.items() if one in targets}


class Checker(service.Service):
    """Looks at every target once per interval.

    :param conf: the configuration.
    :param results: where to record what is seen.
    """

    def __init__(self, conf: cfg.ConfigOpts, results: Results) -> None:
        super().__init__()
        self._conf = conf
        self._results = results

    def start(self) -> None:
        """Begin to look."""
        self.tg.add_timer(self._conf[options.GROUP].interval, self._check_all)

    def reset(self) -> None:
        """Adapt to a configuration that has been read again."""
        self.tg.stop_timers(wait=True)
        self._results.keep(self._conf[options.GROUP].targets)
        self.start()

    def _check_all(self) -> None:
        """Look at all targets side by side, each in a thread of the group."""
        targets = self._conf[options.GROUP].targets
        for thread in [self.tg.add_thread(self._check, one) for one in targets]:
            thread.wait()

    def _check(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        patience = self._conf[options.GROUP].patience
        try:
            socket.create_connection((host, int(port)), patience).close()
        except (OSError, ValueError):
            self._results.put(target, up=False)
        else:
            self._results.put(target, up=True)
