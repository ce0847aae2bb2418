# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that logs with oslo.log: ``python with_oslo_log.py --debug``."""

from oslo_service import backend

# Before oslo.log, as before every other import.
backend.bootstrap("heart")

import sys

from oslo_config import cfg
from oslo_log import log

from oslo_service import service

CONF = cfg.CONF
LOG = log.getLogger("heart")


class Heart(service.Service):
    """Beats."""

    def start(self) -> None:
        """Begin to beat."""
        self.tg.add_timer(0.2, self.beat)

    def beat(self) -> None:
        """Say so."""
        LOG.info("beat")
        LOG.debug("and how")


def main() -> int:
    """Run the service to its end; give the exit status."""
    log.register_options(CONF)
    CONF(sys.argv[1:], project="heart")
    log.setup(CONF, "heart")
    launcher = service.launch(CONF, Heart(), workers=2, restart_method="mutate")
    return launcher.wait()


if __name__ == "__main__":
    sys.exit(main())
