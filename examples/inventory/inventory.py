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
        self._inventory = store.Store(conf.inventory.database)
        self._partition: scanning.Partition | None = None
        self._claim: IO[bytes] | None = None

    def start(self) -> None:
        """Take a partition, and scan it from now on."""
        self._inventory.create()
        partition = self._take_partition()
        if partition is None:
            return
        self._partition = partition
        interval = self.conf.inventory.interval
        self._inventory.keep_partitions(partition.number)
        self._inventory.begin(partition.index, os.getpid(), interval)
        LOG.info(
            "Looking after partition %d of %d, every %g s",
            *(partition.index, partition.number, interval),
        )
        self._scan_every(interval)

    def stop(self, graceful: bool = False) -> None:
        """End scanning; a scan in progress ends at the next file."""
        self._stopping.set()
        super().stop(graceful)

    def reset(self) -> None:
        """Scan at the interval that the configuration says now."""
        if self._partition is None or self._stopping.is_set():
            return
        interval = self.conf.inventory.interval
        self.tg.stop_timers(wait=True)
        self._scan_every(interval)
        if self._stopping.is_set():  # meanwhile: stop() did not see this timer
            self.tg.stop_timers()
        self._inventory.set_interval(self._partition.index, interval)
        LOG.info(
            "Partition %d is scanned every %g s from now on",
            *(self._partition.index, interval),
        )

    def _scan_every(self, interval: float) -> None:
        # A scan that fails is logged, and the next may do better.
        self.tg.add_timer_args(interval, self._scan, stop_on_exception=False)

    def _scan(self) -> None:
        assert self._partition is not None  # noqa: S101 - start() has taken one
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
