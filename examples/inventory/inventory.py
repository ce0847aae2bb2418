# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service: each worker looks after one partition of the files."""

import fcntl
import logging
import os
import threading
from pathlib import Path
from typing import IO

from oslo_config import cfg

import scanning
import store
from oslo_service import service, threadgroup

LOG = logging.getLogger(__name__)

# How long to wait before trying again to get a partition, in seconds.
_PAUSE = 0.1


class InventoryService(service.Service):
    """Keeps an inventory of the files of a directory.

    Nothing is opened before :meth:`start`: files and connections must not
    cross the fork that makes a worker.

    :param conf: the configuration.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self.conf = conf
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._inventory = store.Store(conf.inventory.database)
        self._partition: scanning.Partition | None = None
        self._claim: IO[bytes] | None = None

    def start(self) -> None:
        """Look after a partition from now on, as soon as one is free.

        That is not waited for here: a worker that is recycled keeps its own until
        its successor has started.
        """
        self._inventory.create()
        self.tg.add_thread(self._look_after_a_partition)

    def stop(self, graceful: bool = False) -> None:
        """End scanning; a scan in progress ends at the next file."""
        self._stopping.set()
        self._news.set()
        super().stop(graceful)

    def reset(self) -> None:
        """Scan at the interval that the configuration says now."""
        self._news.set()

    def _look_after_a_partition(self) -> None:
        """Take one, and have it scanned; nobody else has to do with the timer."""
        partition = self._partition = self._take_partition()
        if partition is None:
            return
        interval = self.conf.inventory.interval
        self._inventory.keep_partitions(partition.number)
        self._inventory.begin(partition.index, os.getpid(), interval)
        LOG.info(
            "Looking after partition %d of %d, every %g s",
            *(partition.index, partition.number, interval),
        )
        while not self._stopping.is_set():
            self._scan_until_news(interval)
            if self.conf.inventory.interval != interval:
                interval = self.conf.inventory.interval
                self._inventory.set_interval(partition.index, interval)
                LOG.info(
                    "Partition %d is scanned every %g s from now on",
                    *(partition.index, interval),
                )

    def _scan_until_news(self, interval: float) -> None:
        # A scan that fails is logged, and the next may do better.
        timer = self.tg.add_timer_args(interval, self._scan, stop_on_exception=False)
        self._news.wait()
        self._news.clear()
        timer.stop()
        timer.wait()

    def _scan(self) -> None:
        assert self._partition is not None  # noqa: S101 - it is taken before
        scan = scanning.Scan(
            self._inventory,
            Path(self.conf.directory),
            self._partition,
            threadgroup.stop_requested().is_set,
        )
        try:
            scan.run()
        except scanning.Interrupted:
            LOG.info("A scan of partition %d was cut short", self._partition.index)

    def _take_partition(self) -> scanning.Partition | None:
        """Return the partition of this process; None where it was stopped first."""
        number = self.conf.inventory.workers
        while not self._stopping.is_set():
            for index in range(number):
                claim = _lock(f"{self._inventory.path}-partition-{index}")
                if claim is not None:
                    self._claim = claim
                    return scanning.Partition(index, number)
            # A predecessor has not quite gone.
            self._stopping.wait(_PAUSE)
        return None


def _lock(path: str) -> IO[bytes] | None:
    """Lock a file; None where another process has.

    The kernel gives it back when this process ends, however that ends.
    """
    file = Path(path).open("wb")  # noqa: SIM115 - open as long as the process
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
