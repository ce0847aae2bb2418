# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The program: ``uptime --config-file uptime.conf``."""

from oslo_service import backend

# Before any other import: where the configuration says eventlet, this patches
# the standard library.
backend.bootstrap("uptime")

import logging
import sys

from oslo_config import cfg

from oslo_service import service, wsgi
from uptime import api, checking, options

CONF = cfg.CONF


def main() -> int:
    """Run the service to its end; give the exit status."""
    options.register(CONF)
    CONF(sys.argv[1:], project="uptime")
    logging.basicConfig(
        level=logging.INFO,
        format="%(process)d %(levelname)s %(name)s: %(message)s",
    )
    results = checking.Results()
    server = wsgi.Server(
        *(CONF, "uptime", api.Api(results)),
        host=CONF[options.GROUP].host,
        port=CONF[options.GROUP].port,
    )
    launcher = service.ServiceLauncher(CONF, restart_method="mutate")
    launcher.launch_service(checking.Checker(CONF, results))
    launcher.launch_service(server)
    return launcher.wait()


if __name__ == "__main__":
    sys.exit(main())
