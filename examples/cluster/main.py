# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Start a process of the service: ``python main.py --config-file keeper.conf``.

Start it as often as you like, on as many hosts as share the folder.
"""

from oslo_service import backend

backend.bootstrap()

import logging
import sys

from keeper import GROUP, OPTIONS, Keeper
from oslo_config import cfg

from oslo_service import service

CONF = cfg.CONF
CONF.register_opts(OPTIONS, GROUP)


class KeeperService(service.Service):
    """Runs what is due."""

    def __init__(self) -> None:
        super().__init__()
        self._keeper = Keeper(CONF)

    def start(self) -> None:
        """Run it from now on."""
        self.tg.add_dynamic_timer_args(self._keeper.run_periodic_tasks, [None])


def main() -> int:
    """Run until told to stop; return the exit status."""
    CONF(sys.argv[1:], project="keeper")
    logging.basicConfig(
        level=logging.INFO,
        format="%(process)d %(name)s: %(message)s",
        stream=sys.stdout,
    )
    return service.launch(CONF, KeeperService()).wait() or 0


if __name__ == "__main__":
    sys.exit(main())
