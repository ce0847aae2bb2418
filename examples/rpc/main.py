# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The greeting service: ``python main.py --config-file rpc.conf``."""

from oslo_service import backend

# Before any other import: where the configuration says eventlet, this patches
# the standard library.
backend.bootstrap("rpc")

import logging
import sys

from oslo_config import cfg

import greeting
import options
from oslo_service import opts, service

CONF = cfg.CONF
LOG = logging.getLogger("rpc")


def main() -> int:
    """Run the service to its end; give the exit status."""
    opts.register_service_opts(CONF)
    options.register(CONF)
    CONF(sys.argv[1:], project="rpc")
    wrong = options.wrong_limits(CONF)
    if wrong:
        print(wrong, file=sys.stderr)
        return 1
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s pid %(process)d %(levelname)s %(name)s: %(message)s",
    )
    settings = CONF[options.GROUP]
    launcher = service.launch(
        CONF,
        greeting.GreetingService(CONF),
        workers=settings.workers,
        restart_method=settings.restart_method,
    )
    LOG.info("Running on the driver %r", backend.get_backend().name)
    status = launcher.wait()
    LOG.info("Ended, with status %d", status)
    return status


if __name__ == "__main__":
    sys.exit(main())
