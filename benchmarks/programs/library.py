# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service with workers: ``library DRIVER WORKERS [exit|raise]``.

It is idle, or its ``start()`` ends the process, or raises.
"""

import os
import sys

from harness.inside import select
from programs._report import report

_driver, _workers, *_crash = sys.argv[1:]
select(_driver)

from oslo_config import cfg  # noqa: E402 - after the choice of the driver
from oslo_service import service  # noqa: E402


class Reporter(service.Service):
    """Tells that it has started, and does no more."""

    def start(self):
        report("start")
        if "exit" in _crash:
            os._exit(1)
        if "raise" in _crash:
            raise RuntimeError("this service cannot start")


def main():
    """Run the service until a signal says to end."""
    conf = cfg.CONF
    conf([], project="benchmark", default_config_files=[])
    report("launch")
    service.launch(conf, Reporter(), workers=int(_workers)).wait()


if __name__ == "__main__":
    main()
