# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The inventory service: ``python main.py [--config-file FILE] DIRECTORY``."""

from oslo_service import backend

# Before any other import: where the configuration says eventlet, this patches
# the standard library.
backend.bootstrap("inventory")

import logging
import sys

from oslo_config import cfg

import inventory
import options
from oslo_service import service

CONF = cfg.CONF
LOG = logging.getLogger("inventory")


def main() -> int:
    """Run the service to its end; give the exit status."""
    options.register(CONF)
    CONF(sys.argv[1:], project="inventory")
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s pid %(process)d %(levelname)s %(name)s: %(message)s",
    )
    launcher = service.launch(
        CONF,
        inventory.InventoryService(CONF),
        workers=CONF.inventory.workers,
        restart_method="mutate",
    )
    LOG.info("Running on the driver %r", backend.get_backend().name)
    status = launcher.wait()
    LOG.info("Ended, with status %d", status)
    return status


if __name__ == "__main__":
    sys.exit(main())
