# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers that somebody asks after: ``shown PLAYER WORKERS SOCKET``.

The player is a driver: the socket is that of the admin endpoint; or ``gunicorn``: that
of its control interface; or ``uWSGI``: that of its stats server.
"""

import os
import sys
from pathlib import Path

_player, _workers, _path = sys.argv[1:]


def ours():
    """Run a service with an endpoint."""
    from harness.inside import select

    select(_player)
    from oslo_config import cfg
    from oslo_service import opts, service

    conf = cfg.CONF
    opts.register_service_opts(conf)
    conf([], project="benchmark", default_config_files=[])
    conf.set_override("admin_socket", _path, group="oslo_service")
    service.launch(conf, service.Service(), workers=int(_workers)).wait()


def gunicorn():
    """Have gunicorn run workers that serve nothing."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):
        def load_config(self):
            self.cfg.set("workers", int(_workers))
            self.cfg.set("bind", "127.0.0.1:0")
            self.cfg.set("control_socket", _path)

        def load(self):
            return lambda _environ, _start_response: []

    Application("%(prog)s").run()


def uwsgi():
    """Have uWSGI run workers that nobody asks anything."""
    program = Path(sys.executable).with_name("uwsgi")
    os.execv(
        program,
        [
            *(str(program), "--http-socket", "127.0.0.1:0", "--stats", _path),
            *("--module", "programs.http_app", "--master", "--processes", _workers),
        ],
    )


if __name__ == "__main__":
    {"gunicorn": gunicorn, "uWSGI": uwsgi}.get(_player, ours)()
