# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The stock service: ``python main.py --config-file json_api.conf``."""

from oslo_service import backend

# Before any other import: where the configuration says eventlet, this patches
# the standard library.
backend.bootstrap("json_api")

import logging
import socket
import sys

from oslo_config import cfg

import options
import store
from oslo_service import service, wsgi

CONF = cfg.CONF
LOG = logging.getLogger("json_api")


def make_server() -> wsgi.Server:
    """Make the server; it listens from now on."""
    app = wsgi.Loader(CONF).load_app("stock")
    stock = CONF[options.GROUP]
    if stock.socket:
        return wsgi.Server(
            *(CONF, "stock", app),
            socket_family=socket.AF_UNIX,
            socket_file=stock.socket,
            socket_mode=0o660,
            use_ssl=stock.tls,
        )
    return wsgi.Server(
        *(CONF, "stock", app),
        host=stock.host,
        port=stock.port,
        use_ssl=stock.tls,
    )


def main() -> int:
    """Run the service to its end; give the exit status."""
    options.register(CONF)
    CONF(sys.argv[1:], project="json_api")
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s pid %(process)d %(levelname)s %(name)s: %(message)s",
    )
    store.Store(CONF[options.GROUP].database).create()
    server = make_server()
    launcher = service.launch(CONF, server, workers=CONF[options.GROUP].workers)
    driver = backend.get_backend().name
    LOG.info(
        "Serving on %s, port %s, on the driver %r", server.host, server.port, driver
    )
    status = launcher.wait()
    LOG.info("Ended, with status %d", status)
    return status


if __name__ == "__main__":
    sys.exit(main())
