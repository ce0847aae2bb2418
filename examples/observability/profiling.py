# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Has yappi tell where the time of each worker goes."""

from oslo_service import backend

backend.bootstrap("profiled")

import atexit
import functools
import os
import sys

import yappi
from oslo_config import cfg

from oslo_service import service

CONF = cfg.CONF


@functools.cache
def set_up() -> None:
    """Begin to measure, once in this process, until it ends."""
    atexit.register(save)
    yappi.start()


def save() -> None:
    """Write what was measured: ``python -m pstats profile.PID`` reads it."""
    yappi.stop()
    yappi.get_func_stats().save(f"profile.{os.getpid()}", "pstat")


class Profiled(service.Service):
    """Works every second."""

    def start(self) -> None:
        """Begin to work."""
        set_up()
        self.tg.add_timer(1, self.work)

    def work(self) -> None:
        """Do something that takes time."""
        sum(range(100_000))
        print("working", flush=True)


def main() -> int:
    """Run the service to its end; give the exit status."""
    CONF(sys.argv[1:], project="profiled")
    return service.launch(CONF, Profiled(), workers=2).wait()


if __name__ == "__main__":
    sys.exit(main())
