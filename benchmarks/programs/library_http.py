# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The library's server: ``library_http DRIVER PORT WORKERS [CERTIFICATE KEY]``."""

import logging
import os
import sys

from harness.inside import select

_driver, _port, _workers, *_files = sys.argv[1:]
select(_driver)

from oslo_config import cfg  # noqa: E402 - after the choice of the driver
from oslo_service import opts, service, sslutils, wsgi  # noqa: E402

from programs.http_app import application  # noqa: E402


class Web(service.Service):
    """A service with a server, as projects have it."""

    def __init__(self, server):
        super().__init__()
        self._server = server

    def start(self):
        """Serve."""
        self._server.start()

    def stop(self, graceful=False):
        """End serving."""
        self._server.stop()
        super().stop(graceful)

    def wait(self):
        """Wait for the end."""
        self._server.wait()
        super().wait()


def main():
    """Serve until a signal says to end."""
    logging.basicConfig(level=logging.WARNING)
    conf = cfg.CONF
    wsgi.register_opts(conf)
    sslutils.register_opts(conf)
    conf([], project="benchmark", default_config_files=[])
    if "ADMIN_SOCKET" in os.environ:  # requests are measured
        path = os.environ["ADMIN_SOCKET"]
        opts.register_service_opts(conf)
        conf.set_override("admin_socket", path, group="oslo_service")
    for name, file in zip(("cert_file", "key_file"), _files, strict=False):
        conf.set_override(name, file, group="ssl")
    server = wsgi.Server(
        conf,
        "benchmark",
        application,
        host="127.0.0.1",
        port=int(_port),
        use_ssl=bool(_files),
    )
    service.launch(conf, Web(server), workers=int(_workers)).wait()


if __name__ == "__main__":
    main()
